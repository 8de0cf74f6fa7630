import Coro
import CoroTesting
import Glibc
import Testing

@Suite struct RunnerTests {
    @Test func `S4: two hundred thousand completed yields use no stack`() async throws {
        try await withLoop { loop async throws in
            let done = Future(on: loop, .finished(1))
            let future = loop.coroutine { co in
                var sum = 0
                for _ in 0..<200_000 { sum += try await co.yield(done) }
                return sum
            }
            #expect(try future.get() == 200_000)
        }
    }

    @Test func `twenty thousand suspended yields use no more memory than one`() async throws {
        try await withLoop { loop async throws in
            let held = Journal<WeakHeld>()
            let future = loop.coroutine { co in
                for round in 0..<20_000 {
                    let promise = loop.promise(of: Held.self)
                    loop.addCallback { promise.trySucceed(Held()) }
                    let value = try await co.yield(promise.future)
                    if round % 1_000 == 0 { held.note(WeakHeld(held: value)) }
                }
            }
            try await future.value
            #expect(held.entries.count == 20)
            #expect(held.entries.allSatisfy { $0.held == nil })
        }
    }

    @Test func `coroutines that yield coroutines nest two hundred deep`() async throws {
        try await withLoop { loop async throws in
            @Sendable func nested(_ depth: Int) -> Future<Int> {
                loop.coroutine { co in
                    if depth == 0 {
                        try await co.yield()
                        return 0
                    }
                    return try await co.yield(nested(depth - 1)) + 1
                }
            }
            #expect(try await nested(200).value == 200)
        }
    }

    @Test func `two thousand coroutines wait at once`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let futures = (0..<2_000).map { number in
                loop.coroutine { co in
                    try await co.yield(loop.sleep(.seconds(number % 7)))
                    return number
                }
            }
            #expect(try await loop.gather(futures).value == Array(0..<2_000))
        }
    }

    @Test func `S4: completing the awaited future inside the body's own step does not re-enter it`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            let future = loop.coroutine { co in
                loop.addCallback { promise.trySucceed(1) }
                let first = try await co.yield(promise.future)
                let second = try await co.yield(promise.future)
                return first + second
            }
            #expect(try await future.value == 2)
        }
    }

    @Test func `cancel and completion at the same moment run the body once`() async throws {
        try await withLoop { loop async throws in
            for completesFirst in [true, false] {
                let resumed = Journal<String>()
                let promise = loop.promise(of: Int.self)
                let future = loop.coroutine { co in
                    do {
                        _ = try await co.yield(promise.future)
                        resumed.note("value")
                    } catch { resumed.note("error") }
                }
                if completesFirst { promise.trySucceed(1) }
                future.cancel()
                if !completesFirst { promise.trySucceed(1) }
                for _ in 0..<6 { try await loop.moment() }
                #expect(resumed.entries == ["error"])
            }
        }
    }

    @Test func `case 17: a suspended coroutine that nobody holds is not lost`() async throws {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let waiting = Journal<Promise<Int>>()
            func start() {
                let promise = loop.promise(of: Int.self)
                waiting.note(promise)
                _ = loop.coroutine { co in notes.note("\(try await co.yield(promise.future))") }
            }
            start()
            for _ in 0..<5 { try await loop.moment() }
            waiting.entries[0].trySucceed(5)
            for _ in 0..<5 { try await loop.moment() }
            #expect(notes.entries == ["5"])
        }
    }

    @Test func `case 18: an endless suspended coroutine is finalised when its loop is closed`() throws {
        let notes = Journal<String>()
        let loop = try EventLoop()
        let unfinished = loop.promise(of: Int.self)
        _ = loop.coroutine { co in
            defer { notes.note("sleeper cleaned") }
            while true { try await co.yield(loop.sleep(.seconds(3600))) }
        }
        _ = loop.coroutine { co in
            defer { notes.note("waiter cleaned \(loop.isCurrent)") }
            do { _ = try await co.yield(unfinished.future) } catch {
                notes.note("\(error as? LoopError == .closed)")
                throw error
            }
        }
        loop.stop()
        try loop.run()
        #expect(notes.entries.isEmpty)
        try loop.close()
        #expect(Set(notes.entries) == ["sleeper cleaned", "true", "waiter cleaned true"])
        _ = unfinished
    }

    @Test func `case 19: what a failed coroutine held is let go of at once`() async throws {
        try await withLoop { loop async throws in
            let gone = Journal<WeakHeld>()
            let future: Future<Int> = loop.coroutine { co in
                let held = Held()
                gone.note(WeakHeld(held: held))
                try await co.yield()
                withExtendedLifetime(held) {}
                throw Oops("failed")
            }
            await #expect(throws: Oops("failed")) { try await future.value }
            #expect(gone.entries[0].held == nil)
        }
    }
}
