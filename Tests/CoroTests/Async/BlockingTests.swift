@testable import Coro
import CoroTesting
import Glibc
import Testing

@Suite(.ownThread) struct BlockingTests {
    // MARK: Waiting for it

    @Test func `S10: blocking work runs on another thread, and the loop goes on meanwhile`() async throws {
        try await withLoop { loop async throws in
            let gate = Gate()
            let here = thisThread()
            let work = loop.spawn {
                try await loop.runBlocking {
                    gate.wait()
                    return thisThread()
                }
            }
            // That the gate is opened from here shows that the loop was not blocked.
            try await loop.moment()
            gate.open()
            let there = try await work.value
            #expect(there != here)
            #expect(loop.isCurrent)
        }
    }

    @Test func `S10: a coroutine yields blocking work`() async throws {
        try await withLoop { loop async throws in
            let here = thisThread()
            let coroutine = loop.coroutine { co in
                let one = try await co.yield(loop.blocking { thisThread() == here ? 0 : 1 })
                let more = try await co.yield([loop.blocking { 2 }, loop.blocking { 3 }])
                return [one] + more
            }
            #expect(try await coroutine.value == [1, 2, 3])
        }
    }

    @Test func `case 33: two blocking functions that wait for each other run in parallel`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = (Gate(), Gate())
            let first = loop.blocking {
                one.open()
                two.wait()
            }
            let second = loop.blocking {
                two.open()
                one.wait()
            }
            _ = try await loop.gather(first, second).value
        }
    }

    @Test func `case 33: also when one thread is idle and both come at once`() async throws {
        let pool = ThreadPool(threadsMax: 2)
        try await withLoop { loop async throws in
            for _ in 0..<50 {
                let (one, two) = (Gate(), Gate())
                let first = loop.blocking(on: pool) {
                    one.open()
                    two.wait()
                }
                let second = loop.blocking(on: pool) {
                    two.open()
                    one.wait()
                }
                _ = try await loop.gather(first, second).value
                try await loop.runBlocking(on: pool) {}
            }
        }
    }

    @Test func `a failure of blocking work is its caller's`() async throws {
        try await withLoop { loop async throws in
            await #expect(throws: Oops("blocking")) {
                try await loop.runBlocking { () throws -> Int in throw Oops("blocking") }
            }
            await #expect(throws: Oops("blocking")) {
                try await loop.blocking { () throws -> Int in throw Oops("blocking") }.value
            }
        }
    }

    @Test func `blocking work has the task-locals of its caller, in tasks and in coroutines`() async throws {
        try await withLoop { loop async throws in
            try await BlockingTests.$number.withValue(7) { () async throws in
                #expect(try await loop.runBlocking { BlockingTests.number } == 7)
                #expect(try await loop.blocking { BlockingTests.number }.value == 7)
                let coroutine = loop.coroutine { co in try await co.yield(loop.blocking { BlockingTests.number }) }
                #expect(try await coroutine.value == 7)
            }
            #expect(try await loop.runBlocking { BlockingTests.number } == 0)
        }
    }

    @TaskLocal static var number = 0

    @Test func `blocking work is awaited on any thread, where the task goes on`() async throws {
        let worker = try LoopThread()
        let value = try await worker.loop.runBlocking { 5 }
        #expect(value == 5)
        #expect(!worker.loop.isCurrent)
        try worker.stop()
    }

    // MARK: Cancelling

    @Test func `work that no thread has begun is cancelled with its waiter, and never runs`() async throws {
        let pool = ThreadPool(threadsMax: 1)
        try await withLoop { loop async throws in
            let gate = Gate()
            let first = loop.blocking(on: pool) { gate.wait() }
            while pool.statistics.running == 0 { try await loop.moment() }
            let held = Held()
            weak let gone = held
            let task = loop.spawn { [held] in
                try await loop.runBlocking(on: pool) { [held] in
                    _ = held
                    Issue.record("it was cancelled before")
                }
            }
            _ = consume held
            let future = loop.blocking(on: pool) { Issue.record("it was cancelled before") }
            while pool.statistics.queued < 2 { try await loop.moment() }
            task.cancel()
            future.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            await #expect(throws: CancellationError.self) { try await future.value }
            #expect(future.isCancelled)
            #expect(pool.statistics.queued == 0)
            #expect(gone == nil)
            gate.open()
            try await first.value
        }
    }

    @Test func `a task that is cancelled already does not queue its work`() async throws {
        try await withLoop { loop async throws in
            let task = loop.spawn {
                while !Task.isCancelled { try? await loop.moment() }
                try await loop.runBlocking { Issue.record("the task was cancelled before") }
            }
            try await loop.moment()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func `code in a scope that is cancelled already does not queue its work`() async throws {
        let pool = ThreadPool(threadsMax: 1) { _ in
            Issue.record("the scope was cancelled before")
            return false
        }
        try await withLoop { loop async throws in
            try await loop.withScope { scope in
                scope.cancel()
                await #expect(throws: CancellationError.self) { try await loop.runBlocking(on: pool) {} }
            }
        }
    }

    @Test func `a shielded clean-up of a cancelled task may block`() async throws {
        try await withLoop { loop async throws in
            let task = loop.spawn {
                while !Task.isCancelled { try? await loop.moment() }
                return try await loop.shielded(for: .seconds(9)) { try await loop.runBlocking { 1 } }
            }
            try await loop.moment()
            task.cancel()
            #expect(try await task.value == 1)
        }
    }

    @Test func `a deadline frees the caller of work that has begun`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let gate = Gate()
            let begun = loop.promise(of: Void.self)
            let done = loop.promise(of: Void.self)
            let waiting = loop.spawn {
                try await loop.withTimeout(.seconds(5)) {
                    try await loop.runBlocking {
                        begun.trySucceed(())
                        gate.wait()
                        done.trySucceed(())
                    }
                }
            }
            try await begun.future.value
            try await clock.advance(by: .seconds(5))
            await #expect(throws: TimeoutError.self) { try await waiting.value }
            gate.open()
            try await done.future.value
        }
    }

    @Test func `whoever waits for work that has begun is freed at once, and its late failure is reported`() async throws
    {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("late blocking work") }
        try await withLoop { loop async throws in
            for isFuture in [false, true] {
                let gate = Gate()
                let begun = loop.promise(of: Void.self)
                let work: @Sendable () throws -> Void = {
                    begun.trySucceed(())
                    gate.wait()
                    throw Oops("late blocking work")
                }
                let reported = recorder.failures.count
                if isFuture {
                    let future = loop.blocking(work)
                    try await begun.future.value
                    future.cancel()
                    #expect(future.isCancelled)
                } else {
                    let task = loop.spawn { try await loop.runBlocking(work) }
                    try await begun.future.value
                    task.cancel()
                    await #expect(throws: CancellationError.self) { try await task.value }
                }
                gate.open()
                while recorder.failures.count == reported { try await loop.moment() }
            }
        }
        #expect(recorder.failures.count == 2)
    }

    @Test func `cancelling at any moment either runs the work or does not, and the caller always goes on`() async throws
    {
        let pool = ThreadPool(threadsMax: 2)
        try await withLoop { loop async throws in
            var random = SplitMix(state: 33)
            for _ in 0..<300 {
                let tasks = (0..<4).map { number in
                    loop.spawn { try await loop.runBlocking(on: pool) { number } }
                }
                for _ in 0..<random.next(below: 4) { try await loop.moment() }
                for task in tasks where random.next(below: 2) == 0 { task.cancel() }
                for (number, task) in tasks.enumerated() {
                    do { #expect(try await task.value == number) } catch { #expect(error is CancellationError) }
                }
            }
            while pool.statistics.running > 0 { try await loop.moment() }
            #expect(pool.statistics.queued == 0)
        }
    }

    // MARK: Ends

    @Test func `a loop that closes frees those who wait, and nobody else's work`() async throws {
        let pool = ThreadPool(threadsMax: 1)
        let gate = Gate()
        let loop = try EventLoop()
        let begun = loop.spawn { try await loop.runBlocking(on: pool) { gate.wait() } }
        let queued = loop.spawn { try await loop.runBlocking(on: pool) { Issue.record("its waiter was gone") } }
        try loop.runSync { while pool.statistics.queued == 0 { try await loop.moment() } }
        try loop.close()
        await #expect(throws: LoopError.closed) { try await begun.value }
        await #expect(throws: LoopError.closed) { try await queued.value }
        await #expect(throws: LoopError.closed) { try await loop.runBlocking { Issue.record("the loop was closed") } }
        await #expect(throws: LoopError.closed) {
            try await loop.blocking { Issue.record("the loop was closed") }.value
        }
        try await withLoop { other async throws in
            let work = other.blocking(on: pool) { 1 }
            gate.open()
            #expect(try await work.value == 1)
        }
    }

    @Test func `a pool that is shut down does what it has accepted, and refuses the rest`() async throws {
        let pool = ThreadPool(threadsMax: 1)
        try await withLoop { loop async throws in
            let gate = Gate()
            let accepted = [loop.blocking(on: pool) { gate.wait() }, loop.blocking(on: pool) {}]
            pool.shutdown()
            await #expect(throws: ThreadPoolError.shutDown) {
                try await loop.runBlocking(on: pool) { Issue.record("the pool was shut down") }
            }
            gate.open()
            _ = try await loop.gather(accepted).value
            while pool.statistics.threads > 0 { try await loop.moment() }
        }
    }

    @Test func `shutting down may cancel what is queued`() async throws {
        let pool = ThreadPool(threadsMax: 1)
        try await withLoop { loop async throws in
            let gate = Gate()
            let first = loop.blocking(on: pool) { gate.wait() }
            let queued = loop.blocking(on: pool) { Issue.record("it was cancelled") }
            while pool.statistics.running == 0 { try await loop.moment() }
            pool.shutdown(cancelQueued: true)
            await #expect(throws: CancellationError.self) { try await queued.value }
            gate.open()
            try await first.value
        }
    }

    @Test func `dropping a pool ends its threads when the work is done`() async throws {
        try await withLoop { loop async throws in
            func start() -> (ThreadCrew, [Future<Int>]) {
                let pool = ThreadPool(threadsMax: 1, idleTimeout: .seconds(3600))
                return (pool.crew, (0..<10).map { number in loop.blocking(on: pool) { number } })
            }
            let (crew, futures) = start()
            #expect(try await loop.gather(futures).value == Array(0..<10))
            while crew.statistics.threads > 0 { try await loop.moment() }
        }
    }

    @Test func `work waits for a thread when the system has none to give, and is not lost`() async throws {
        let refusals = Journal<Void>()
        let pool = ThreadPool(threadsMax: 2) { body in
            guard refusals.entries.count >= 20 else {
                refusals.note(())
                return false
            }
            let thread = try? SystemThread.start(named: "late", body)
            if let thread { pthread_detach(thread) }
            return thread != nil
        }
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let futures = (0..<3).map { number in loop.blocking(on: pool) { number } }
            #expect(pool.statistics == ThreadPool.Statistics(threads: 0, running: 0, queued: 3))
            #expect(try await loop.gather(futures).value == [0, 1, 2])
        }
    }

    @Test func `a pool without threads is the programmer's error`() async {
        await #expect(processExitsWith: .failure) { _ = ThreadPool(threadsMax: 0) }
        #expect(ThreadPool.shared.threadsMax == ThreadPool.defaultThreadsMax)
        #expect((5...32).contains(ThreadPool.defaultThreadsMax))
    }
}
