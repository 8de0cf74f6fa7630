import Coro
import CoroTesting
import Testing

@Suite struct CoroutineTests {
    @Test func `S1 and S3: the body runs to its first wait inside the call, which returns a pending future`()
        async throws
    {
        try await withLoop { loop async throws in
            let order = Journal<String>()
            let promise = loop.promise(of: Int.self)
            let future = loop.coroutine { co in
                order.note("body")
                let value = try await co.yield(promise.future)
                order.note("resumed")
                return value
            }
            order.note("after call")
            #expect(!future.isDone)
            promise.trySucceed(1)
            order.note("after succeed")
            #expect(try await future.value == 1)
            #expect(order.entries == ["body", "after call", "after succeed", "resumed"])
        }
    }

    @Test func `S2: a body that never yields gives a future that is done`() async throws {
        try await withLoop { loop async throws in
            #expect(try loop.coroutine { _ in 5 }.get() == 5)
        }
    }

    @Test func `case 1: a failure before the first wait is not thrown by the call but by the future`() async throws {
        try await withLoop { loop in
            let future: Future<Int> = loop.coroutine { _ in throw Oops("sync") }
            #expect(future.isDone)
            await #expect(throws: Oops("sync")) { try await future.value }
        }
    }

    @Test func `case 3: a return before the first yield still produces the value`() async throws {
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                if co.loop === loop { return 3 }
                try await co.yield()
                return 4
            }
            #expect(try future.get() == 3)
        }
    }

    @Test func `case 4 and S5: a child's failure is thrown at the yield, where it can be replaced or swallowed`()
        async throws
    {
        try await withLoop { loop async throws in
            @Sendable func failing() -> Future<Int> { loop.future { throw Oops("child") } }
            let swallowed = loop.coroutine { co in
                do { return try await co.yield(failing()) } catch is Oops { return -1 }
            }
            let replaced = loop.coroutine { co in
                do { return try await co.yield(failing()) } catch { throw Oops("other") }
            }
            let passed = loop.coroutine { co in try await co.yield(failing()) }
            #expect(try await swallowed.value == -1)
            await #expect(throws: Oops("other")) { try await replaced.value }
            await #expect(throws: Oops("child")) { try await passed.value }
        }
    }

    @Test func `S7: work that was started and saved goes on while something else is awaited`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let start = loop.now
            let future = loop.coroutine { co in
                let saved = loop.sleep(.seconds(5))
                try await co.yield(loop.sleep(.seconds(5)))
                try await co.yield(saved)
            }
            try await future.value
            #expect(start.duration(to: loop.now) == .seconds(5))
        }
    }

    @Test func `case 11: coroutines that yield completed futures run one after the other`() async throws {
        try await withLoop { loop in
            let order = Journal<String>()
            for name in ["a", "b"] {
                _ = loop.coroutine { co in
                    for _ in 0..<5 {
                        order.note(name)
                        try await co.yield(Future(on: loop, .finished(())))
                    }
                }
            }
            #expect(order.entries.joined() == "aaaaabbbbb")
        }
    }

    @Test func `case 11: with moment coroutines alternate strictly, native tasks among them`() async throws {
        try await withLoop { loop async throws in
            let order = Journal<String>()
            let futures = ["a", "b"].map { name in
                loop.coroutine { co in
                    for _ in 0..<5 {
                        order.note(name)
                        try await co.yield(.moment)
                    }
                }
            }
            _ = try await loop.gather(futures).value
            #expect(order.entries.joined() == "ababababab")
            let native = Journal<String>()
            let tasks = ["a", "b"].map { name in
                loop.spawn {
                    for _ in 0..<5 {
                        native.note(name)
                        try await loop.moment()
                    }
                }
            }
            for task in tasks { try await task.value }
            #expect(native.entries.joined() == "ababababab")
        }
    }

    @Test func `case 12: a coroutine that yields a cancelled future and does not catch it ends as cancelled`()
        async throws
    {
        try await withLoop { loop async throws in
            let cancelled = Future<Int>(on: loop, .cancelled)
            let ends = loop.coroutine { co in try await co.yield(cancelled) }
            #expect(ends.isCancelled)
            let goesOn = loop.coroutine { co in
                do { return try await co.yield(cancelled) } catch is CancellationError { return 8 }
            }
            #expect(try goesOn.get() == 8)
        }
    }

    @Test func `cancelling the future throws into the body at its yield and cancels what it waits for`() async throws {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let promise = loop.promise(of: Int.self)
            promise.onCancel { notes.note("leaf stopped") }
            let future = loop.coroutine { co in
                defer { notes.note("cleaned") }
                do { _ = try await co.yield(promise.future) } catch is CancellationError { notes.note("cancelled") }
                do { try await co.yield() } catch is CancellationError { notes.note("again") }
            }
            future.cancel()
            #expect(future.isCancelled)
            for _ in 0..<6 { try await loop.moment() }
            #expect(notes.entries == ["leaf stopped", "cancelled", "again", "cleaned"])
        }
    }

    @Test func `cancelling reaches through coroutines and gathers to the leaf`() async throws {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let future = loop.coroutine { co in
                try await co.yield([
                    loop.coroutine { co in
                        defer { notes.note("inner") }
                        try await co.yield { try await loop.sleep(for: .seconds(3600)) }
                    }
                ])
            }
            try await loop.moment()
            future.cancel()
            for _ in 0..<8 { try await loop.moment() }
            #expect(notes.entries == ["inner"])
        }
    }

    @Test func `cancelling reaches a body that awaits natively`() async throws {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let future = loop.coroutine { _ in
                do { try await loop.sleep(for: .seconds(3600)) } catch is CancellationError {
                    notes.note("native wait")
                }
            }
            try await loop.moment()
            future.cancel()
            for _ in 0..<6 { try await loop.moment() }
            #expect(notes.entries == ["native wait"])
        }
    }

    @Test func `a body that swallows its cancellation cannot keep the loop from others`() async throws {
        try await withLoop { loop async throws in
            let rounds = Journal<Void>()
            let future = loop.coroutine { co in
                while rounds.entries.count < 100 {
                    do { try await co.yield(loop.sleep(.seconds(3600))) } catch { rounds.note(()) }
                }
            }
            future.cancel()
            let turns = Journal<Void>()
            while rounds.entries.count < 100 {
                turns.note(())
                try await loop.moment()
            }
            #expect(turns.entries.count > 20)
        }
    }

    @Test func `case 20: task-local values survive suspension and reach callees of both kinds`() async throws {
        try await withLoop { loop async throws in
            let future = Trace.$name.withValue("outer") {
                loop.coroutine { co in
                    var seen = [Trace.name]
                    try await co.yield()
                    seen.append(Trace.name)
                    try await Trace.$name.withValue("inner") {
                        try await co.yield()
                        seen.append(Trace.name)
                        seen.append(try await co.yield { Trace.name })
                        seen.append(
                            try await co.yield(
                                loop.coroutine { co in
                                    try await co.yield(); return Trace.name
                                }))
                    }
                    try await co.yield()
                    seen.append(Trace.name)
                    return seen
                }
            }
            #expect(Trace.name == "none")
            #expect(try await future.value == ["outer", "outer", "inner", "inner", "inner", "outer"])
        }
    }

    @Test func `a body may await native functions and comes back to the loop's thread`() async throws {
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                var threads = [thisThread()]
                try await loop.sleep(for: .milliseconds(1))
                threads.append(thisThread())
                try await co.yield(loop.sleep(.milliseconds(1)))
                threads.append(thisThread())
                _ = await Task.detached { 1 }.value
                threads.append(thisThread())
                _ = try await loop.spawn { 1 }.value
                threads.append(thisThread())
                try await loop.moment()
                threads.append(thisThread())
                return Set(threads)
            }
            #expect(try await future.value == [thisThread()])
        }
    }

    @Test func `child tasks of a body go on while the body is at a yield`() async throws {
        try await withLoop(seconds: 5) { loop async throws in
            let future = loop.coroutine { co in
                let promise = loop.promise(of: Int.self)
                async let child: Void = {
                    try await loop.sleep(for: .milliseconds(1))
                    promise.trySucceed(6)
                }()
                let value = try await co.yield(promise.future)
                try await child
                return value
            }
            #expect(try await future.value == 6)
        }
    }

    @Test func `called from another thread, the body starts on the loop`() async throws {
        try await withLoop { loop async throws in
            let future = try await onOwnThread { loop.coroutine { _ in loop.isCurrent } }
            #expect(try await future.value)
        }
    }

    @Test func `the free function finds the loop of its thread`() async throws {
        try await withLoop { loop async throws in
            let future = coroutine { co in co.loop === loop }
            #expect(try future.get())
        }
    }

    @Test func `a deadline reaches the yields of a body`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let promise = loop.promise(of: Int.self)
            let future = loop.coroutine { co in
                let start = loop.now
                do {
                    return try await loop.withTimeout(.seconds(2)) { try await co.yield(promise.future) }
                } catch is TimeoutError {
                    return Int(start.duration(to: loop.now).components.seconds)
                }
            }
            #expect(try await future.value == 2)
            #expect(!promise.future.isDone)
        }
    }
}
