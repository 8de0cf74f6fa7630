@testable import Coro
import CoroTesting
import Testing

@Suite struct FutureTimeoutTests {
    @Test func `case 13: expiry fails with the default, the given or the lazily computed message`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let never = loop.promise(of: Int.self)
            await #expect(throws: TimeoutError("Timeout")) {
                try await never.future.withTimeout(.seconds(1)).value
            }
            await #expect(throws: TimeoutError("no answer")) {
                try await never.future.withTimeout(.seconds(1), "no answer").value
            }
            let computed = Journal<Void>()
            @Sendable func message() -> String {
                computed.note(())
                return "lost after \(loop.now.nanoseconds / 1_000_000_000) s"
            }
            let limited = never.future.withTimeout(.seconds(5), message())
            #expect(computed.entries.isEmpty)
            await #expect(throws: TimeoutError("lost after 7 s")) { try await limited.value }
            #expect(computed.entries.count == 1)
            never.future.cancel()
        }
    }

    @Test func `case 13: the lazy message is not computed on success, and no timer is left`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            let timers = loop.timers.count
            @Sendable func message() -> String {
                Issue.record("computed")
                return ""
            }
            let limited = promise.future.withTimeout(.seconds(5), message())
            #expect(loop.timers.count == timers + 1)
            promise.trySucceed(3)
            #expect(loop.timers.count == timers)
            #expect(try await limited.value == 3)
        }
    }

    @Test func `case 14: a failure or cancellation before the deadline passes through unchanged`() async throws {
        try await withLoop { loop async throws in
            let timers = loop.timers.count
            for outcome in [Outcome<Int>.failed(Oops("early")), .cancelled] {
                let promises = (0..<2).map { _ in loop.promise(of: Int.self) }
                let limited = [
                    promises[0].future.withTimeout(.seconds(5)), promises[1].future.orCancel(after: .seconds(5)),
                ]
                for (promise, limited) in zip(promises, limited) {
                    promise.tryComplete(outcome)
                    #expect("\(limited.result!)" == "\(outcome)")
                }
            }
            #expect(loop.timers.count == timers)
        }
    }

    @Test(arguments: [0, -5]) func `what is done already has its value, though there is no time`(seconds: Int)
        async throws
    {
        try await withLoop { loop async throws in
            #expect(try Future(on: loop, .finished(1)).withTimeout(.seconds(seconds)).get() == 1)
            #expect(try Future(on: loop, .finished(2)).orCancel(after: .seconds(seconds)).get() == 2)
            let promise = loop.promise(of: Int.self)
            await #expect(throws: TimeoutError.self) {
                try await promise.future.withTimeout(.seconds(seconds)).value
            }
            promise.trySucceed(3)
        }
    }

    @Test func `the work goes on after a timeout, and can be awaited again`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let work = loop.future {
                try await loop.sleep(for: .seconds(10))
                return 5
            }
            await #expect(throws: TimeoutError.self) { try await work.withTimeout(.seconds(3)).value }
            await #expect(throws: TimeoutError.self) {
                try await work.withDeadline(LoopInstant(nanoseconds: 6_000_000_000)).value
            }
            #expect(!work.isDone)
            #expect(try await work.value == 5)
            #expect(loop.now.nanoseconds == 10_000_000_000)
        }
    }

    @Test func `a failure after the timeout is reported, unless it is quiet or a cancellation`() async throws {
        let recorder = ReportRecorder { ($0.error as? Oops)?.name.hasPrefix("after timeout") == true }
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self, file: "Made.swift", line: 9) }
            let limited = [
                promises[0].future.withTimeout(.seconds(1)),
                promises[1].future.withTimeout(.seconds(1), quiet: [Oops.self]),
                promises[2].future.withTimeout(.seconds(1)),
            ]
            for future in limited { await #expect(throws: TimeoutError.self) { try await future.value } }
            promises[0].tryFail(Oops("after timeout"))
            promises[1].tryFail(Oops("after timeout, quiet"))
            promises[2].future.cancel()
        }
        #expect(recorder.failures.map { $0.error as? Oops } == [Oops("after timeout")])
        #expect(recorder.failures.first?.origin?.description == "Made.swift:9")
    }

    @Test func `a failure after the timeout that somebody else awaits is not reported`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("awaited elsewhere") }
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let promise = loop.promise(of: Int.self)
            let limited = promise.future.withTimeout(.seconds(1))
            await #expect(throws: TimeoutError.self) { try await limited.value }
            promise.tryFail(Oops("awaited elsewhere"))
            await #expect(throws: Oops("awaited elsewhere")) { try await promise.future.value }
        }
        #expect(recorder.failures.isEmpty)
    }

    @Test func `orCancel cancels the work at its deadline, and fails with the timeout and not the cancellation`()
        async throws
    {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let ended = Journal<Int64>()
            let work = loop.future {
                defer { ended.note(loop.now.nanoseconds) }
                try await loop.sleep(for: .seconds(100))
            }
            let limited = work.orCancel(after: .seconds(2), "too slow")
            await #expect(throws: TimeoutError("too slow")) { try await limited.value }
            #expect(work.isCancelled)
            #expect(!limited.isCancelled)
            try await loop.moment()
            #expect(ended.entries == [2_000_000_000])
            let instant = LoopInstant(nanoseconds: 3_000_000_000)
            let never = loop.promise(of: Int.self)
            await #expect(throws: TimeoutError.self) { try await never.future.orCancel(at: instant).value }
            #expect(never.future.isCancelled)
        }
    }

    @Test func `cancelling a limited future cancels the work and its timer`() async throws {
        try await withLoop { loop async throws in
            let timers = loop.timers.count
            for cancels in [true, false] {
                let promise = loop.promise(of: Int.self)
                let limited =
                    cancels ? promise.future.orCancel(after: .seconds(5)) : promise.future.withTimeout(.seconds(5))
                limited.cancel()
                #expect(limited.isCancelled)
                #expect(promise.future.isCancelled)
                #expect(loop.timers.count == timers)
            }
        }
    }

    @Test func `a coroutine yields a limited future, and yields the same work again`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let tries = try await loop.coroutine { co in
                let work = loop.sleep(.seconds(5)).map { "slept" }
                var tries = 0
                while true {
                    tries += 1
                    do {
                        _ = try await co.yield(work.withTimeout(.seconds(2)))
                        return tries
                    } catch is TimeoutError {}
                }
            }.value
            #expect(tries == 3)
        }
    }

    @Test func `a future is limited from another thread, and on a closed loop it just fails`() async throws {
        let left = try await withLoop(clock: ManualClock(whenIdle: .jumps), allowing: .loop) { loop async throws in
            let promise = loop.promise(of: Int.self)
            let limited = try await onOwnThread { promise.future.withTimeout(.seconds(1)) }
            await #expect(throws: TimeoutError.self) { try await limited.value }
            return promise
        }
        let late = left.future.withTimeout(.seconds(1))
        #expect(throws: LoopError.closed) { try late.get() }
    }
}
