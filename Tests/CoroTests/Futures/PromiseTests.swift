import Coro
import CoroTesting
import Synchronization
import Testing

@Suite struct PromiseTests {
    @Test func `a second result is refused with an error, and the first one stands`() async throws {
        try await withLoop { loop in
            let promise = loop.promise(of: Int.self)
            try promise.succeed(1)
            #expect(throws: FutureError.alreadyDone) { try promise.succeed(2) }
            #expect(throws: FutureError.alreadyDone) { try promise.fail(Oops()) }
            #expect(!promise.trySucceed(3))
            #expect(!promise.tryFail(Oops()))
            #expect(!promise.tryComplete(.cancelled))
            #expect(try promise.future.get() == 1)
        }
    }

    @Test func `case 21: a result after a cancel is refused by succeed and ignored by trySucceed`() async throws {
        try await withLoop { loop in
            let promise = loop.promise(of: Int.self)
            promise.future.cancel()
            #expect(throws: FutureError.alreadyDone) { try promise.succeed(2) }
            #expect(!promise.trySucceed(2))
            #expect(promise.future.isCancelled)
        }
    }

    @Test func `of many threads that complete one promise, exactly one succeeds, and its value stands`() async throws {
        try await withLoop { loop in
            for _ in 0..<50 {
                let promise = loop.promise(of: Int.self)
                let winners = Journal<Int>()
                for number in 0..<4 {
                    startThread {
                        if promise.trySucceed(number) { winners.note(number) }
                    }
                }
                let value = try await promise.future.value
                while winners.entries.isEmpty { try await loop.moment() }
                #expect(winners.entries == [value])
            }
        }
    }

    @Test func `a promise dropped without a result fails its future with the place of its making`() async throws {
        try await withLoop { loop in
            func make() -> Future<Int> { Promise<Int>(on: loop, file: "There.swift", line: 7).future }
            do {
                _ = try await make().value
                Issue.record("an abandoned future had a value")
            } catch let error as AbandonedError {
                #expect(error.origin.description == "There.swift:7")
                #expect("\(error)" == "The promise made at There.swift:7 was dropped without a result.")
            }
        }
    }

    @Test func `a promise dropped on another thread fails its future`() async throws {
        try await withLoop { loop in
            let future = try await onOwnThread { loop.promise(of: Int.self).future }
            await #expect(throws: AbandonedError.self) { try await future.value }
        }
    }

    @Test func `failing with a cancellation cancels the future`() async throws {
        try await withLoop { loop in
            let promise = loop.promise(of: Int.self)
            try promise.fail(CancellationError())
            #expect(promise.future.isCancelled)
        }
    }

    @Test func `the cancel action runs once, on the loop, also when the cancel came before it was set`() async throws {
        try await withLoop { loop in
            let calls = Journal<Bool>()
            let late = loop.promise(of: Int.self)
            late.future.cancel()
            late.onCancel { calls.note(loop.isCurrent) }
            let elsewhere = loop.promise(of: Int.self)
            try await onOwnThread {
                elsewhere.onCancel { calls.note(loop.isCurrent) }
                elsewhere.future.cancel()
                elsewhere.future.cancel()
            }
            for _ in 0..<3 { try await loop.moment() }
            #expect(calls.entries == [true, true])
        }
    }

    @Test func `what the cancel action holds is let go of when the future is done`() async throws {
        try await withLoop { loop in
            let held = Held()
            weak let gone = held
            let promise = loop.promise(of: Int.self)
            promise.onCancel { [held] in _ = held }
            _ = consume held
            promise.trySucceed(1)
            #expect(gone == nil)
        }
    }
}
