@testable import Coro
import CoroTesting
import Testing

@Suite struct FutureTests {
    @Test func `a future is pending, then done, and its result can be read any number of times`() async throws {
        try await withLoop { loop in
            let promise = loop.promise(of: Int.self)
            let future = promise.future
            #expect(!future.isDone)
            #expect(future.result == nil)
            #expect(throws: FutureError.pending) { try future.get() }
            try promise.succeed(7)
            #expect(future.isDone)
            #expect(!future.isCancelled)
            #expect(try future.get() == 7)
            for _ in 0..<3 { #expect(try await future.value == 7) }
        }
    }

    @Test func `observers run in the order they were added, in a later iteration, never inside the completing call`()
        async throws
    {
        try await withLoop { loop in
            let order = Journal<String>()
            let promise = loop.promise(of: Int.self)
            for number in 0..<5 { promise.future.whenDone { _ in order.note("\(number)") } }
            promise.trySucceed(1)
            order.note("after succeed")
            promise.future.whenDone { _ in order.note("late") }
            order.note("after adding")
            try await loop.moment()
            #expect(order.entries == ["after succeed", "after adding", "0", "1", "2", "3", "4", "late"])
        }
    }

    @Test func `observers of every kind have their turns in the order they were added, late ones included`()
        async throws
    {
        try await withLoop { loop in
            let order = Journal<String>()
            let promise = loop.promise(of: Int.self)
            promise.future.whenDone { future in
                order.note("first")
                future.whenDone { _ in order.note("added by the first") }
            }
            let waiting = loop.spawn {
                _ = try await promise.future.value
                order.note("task")
            }
            try await loop.moment()
            promise.future.whenDone { _ in order.note("third") }
            promise.trySucceed(1)
            promise.future.whenDone { _ in order.note("late") }
            try await waiting.value
            for _ in 0..<2 { try await loop.moment() }
            #expect(order.entries == ["first", "task", "third", "late", "added by the first"])
        }
    }

    @Test func `what an observer holds is let go of with its turn, and with a future that nobody completes`()
        async throws
    {
        try await withLoop { loop in
            let (told, untold) = (Held(), Held())
            weak let toldGone = told
            weak let untoldGone = untold
            let promise = loop.promise(of: Int.self)
            promise.future.whenDone { [told] _ in _ = told }
            _ = consume told
            promise.trySucceed(1)
            #expect(toldGone != nil)
            try await loop.moment()
            #expect(toldGone == nil)
            var future: Future<Int>? = Future(on: loop, origin: SourcePlace())
            future?.whenDone { [untold] _ in _ = untold }
            _ = consume untold
            future = nil
            #expect(untoldGone == nil)
        }
    }

    @Test func `an observer that throws is reported and the rest still run`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("observer") }
        try await withLoop { loop in
            let ran = Journal<Int>()
            let promise = loop.promise(of: Int.self)
            promise.future.whenDone { _ in throw Oops("observer") }
            promise.future.whenDone { ran.note(try $0.get()) }
            promise.trySucceed(3)
            try await loop.moment()
            #expect(ran.entries == [3])
        }
        #expect(recorder.failures.count == 1)
    }

    @Test func `observers added on other threads run on the loop's`() async throws {
        try await withLoop { loop in
            let threads = Journal<UInt>()
            let promise = loop.promise(of: Int.self)
            try await onOwnThread {
                promise.future.whenDone { _ in threads.note(thisThread()) }
                promise.trySucceed(1)
                promise.future.whenDone { _ in threads.note(thisThread()) }
            }
            for _ in 0..<3 { try await loop.moment() }
            #expect(threads.entries == [thisThread(), thisThread()])
        }
    }

    @Test func `a failure that nobody looked at is reported once, when the future goes, with the place of its making`()
        async throws
    {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("unobserved") }
        try await withLoop { loop in
            var future: Future<Int>? = Future(on: loop, .failed(Oops("unobserved")), file: "Here.swift", line: 42)
            #expect(recorder.failures.isEmpty)
            _ = future.take()
            #expect(recorder.failures.count == 1)
        }
        #expect(recorder.failures.first?.origin?.description == "Here.swift:42")
    }

    @Test func `a failure that was looked at is not reported, on whatever thread, the loop open or closed`()
        async throws
    {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("observed") }
        let loop = try EventLoop()
        func fail() -> Future<Int> { Future(on: loop, .failed(Oops("observed"))) }
        #expect(throws: Oops("observed")) { try fail().get() }
        _ = fail().result
        await #expect(throws: Oops("observed")) { try await fail().value }
        try await onOwnThread {
            loop.stop()
            try loop.run()
            try loop.close()
        }
        #expect(throws: Oops("observed")) { try fail().get() }
        await #expect(throws: Oops("observed")) { try await fail().value }
        #expect(recorder.failures.isEmpty)
    }

    @Test func `cancelling a pending future makes it cancelled, tells observers later, and does nothing a second time`()
        async throws
    {
        try await withLoop { loop in
            let order = Journal<String>()
            let promise = loop.promise(of: Int.self)
            promise.onCancel { order.note("work stopped") }
            promise.future.whenDone { order.note("observer \($0.isCancelled)") }
            promise.future.cancel()
            promise.future.cancel()
            order.note("after cancel")
            try await loop.moment()
            #expect(order.entries == ["work stopped", "after cancel", "observer true"])
            #expect(throws: CancellationError.self) { try promise.future.get() }
            await #expect(throws: CancellationError.self) { try await promise.future.value }
        }
    }

    @Test func `cancelling a future that is done does nothing`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            promise.onCancel { Issue.record("cancelled when it was done") }
            promise.trySucceed(1)
            promise.future.cancel()
            #expect(!promise.future.isCancelled)
            #expect(try promise.future.get() == 1)
        }
    }

    @Test func `case 22: chaining copies value, failure and cancellation, also between loops`() async throws {
        try await withLoop { loop in
            let outcomes: [Outcome<Int>] = [.finished(5), .failed(Oops("chained")), .cancelled]
            for outcome in outcomes {
                let (from, to) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
                from.future.chain(to: to)
                from.tryComplete(outcome)
                #expect("\(to.future.result!)" == "\(outcome)")
            }
            // To a promise that is done already: the first result stands.
            let (from, to) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
            from.future.chain(to: to)
            to.trySucceed(1)
            from.trySucceed(2)
            #expect(try to.future.get() == 1)

            let other = try EventLoop()
            async let serving: Void = onOwnThread {
                try other.run()
                try other.close()
            }
            for outcome in outcomes {
                let (there, here) = (other.promise(of: Int.self), loop.promise(of: Int.self))
                there.future.chain(to: here)
                there.tryComplete(outcome)
                _ = try? await here.future.value
                #expect("\(here.future.result!)" == "\(outcome)")
            }
            other.stop()
            try await serving
        }
    }

    @Test func `cancelling the end of a chain cancels its beginning`() async throws {
        try await withLoop { loop in
            let (from, to) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
            from.future.chain(to: to)
            to.future.cancel()
            #expect(from.future.isCancelled)
        }
    }

    @Test func `a mapped future transforms the value and passes failure and cancellation through`() async throws {
        try await withLoop { loop async throws in
            #expect(try await Future(on: loop, .finished(2)).map { $0 * 21 }.value == 42)
            await #expect(throws: Oops("in")) { try await Future<Int>(on: loop, .failed(Oops("in"))).map { $0 }.value }
            await #expect(throws: Oops("out")) {
                try await Future(on: loop, .finished(2)).map { _ in throw Oops("out") }.value
            }
            let promise = loop.promise(of: Int.self)
            let mapped = promise.future.map { $0 }
            mapped.cancel()
            #expect(promise.future.isCancelled)
        }
    }

    @Test func `those who gave up waiting for a long-lived future are not remembered`() async throws {
        try await withLoop { loop in
            let promise = loop.promise(of: Int.self)
            let waits = 2_000
            let living = Journal<WeakHeld>()
            for _ in 0..<waits {
                let held = Held()
                living.note(WeakHeld(held: held))
                let waiting = loop.spawn { [held] in
                    defer { _ = held }
                    return try await promise.future.value
                }
                try await loop.moment()
                waiting.cancel()
                _ = try? await waiting.value
            }
            try await loop.moment()
            #expect(living.entries.count { $0.held != nil } < 5)
            #expect(promise.future.observerCount < 100)
            promise.trySucceed(1)
        }
    }
}

struct WeakHeld: Sendable { weak let held: Held? }
