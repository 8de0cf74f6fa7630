import Coro
import CoroTesting
import Testing

@Suite struct LoopThreadTests {
    @Test func `a loop runs on the thread made for it, until that is stopped`() async throws {
        let worker = try LoopThread(name: "a name that is longer than the kernel keeps")
        let here = thisThread()
        let there = try await worker.loop.spawn { thisThread() }.value
        #expect(there != here)
        #expect(try await worker.loop.spawn { thisThread() }.value == there)
        try worker.stop()
        #expect(worker.loop.isClosed)
        try worker.stop()
    }

    @Test func `stopping wakes what sleeps there, and returns when its clean-up has run`() async throws {
        let worker = try LoopThread()
        let journal = Journal<String>()
        let started = worker.loop.promise(of: Void.self)
        let task = worker.loop.spawn {
            defer { journal.note("cleaned up") }
            started.trySucceed(())
            try await worker.loop.sleep(for: .seconds(3600))
        }
        try await started.future.value
        try worker.stop()
        #expect(journal.entries == ["cleaned up"])
        await #expect(throws: LoopError.closed) { try await task.value }
    }

    @Test func `a thread cannot wait for its own end, and says so`() async throws {
        let worker = try LoopThread()
        await #expect(throws: LoopError.ownThread) { try await worker.loop.spawn { try worker.stop() }.value }
        try worker.stop()
    }

    @Test func `two threads may stop it at once, and a loop that stopped by itself may be stopped`() async throws {
        let worker = try LoopThread()
        async let first: Void = onOwnThread { try worker.stop() }
        async let second: Void = onOwnThread { try worker.stop() }
        _ = try await (first, second)
        #expect(worker.loop.isClosed)

        let other = try LoopThread()
        other.loop.stop()
        try other.stop()
        #expect(other.loop.isClosed)
    }

    @Test func `dropping it stops the loop, on its own thread too`() async throws {
        let ends = Journal<String>()
        func start(_ name: String) throws -> LoopThread {
            let worker = try LoopThread()
            worker.loop.spawn { [loop = worker.loop] in
                defer { ends.note(name) }
                try await loop.sleep(for: .seconds(3600))
            }
            return worker
        }
        _ = try start("elsewhere")
        let worker = try start("on its own thread")
        let loop = worker.loop
        loop.addCallback { [worker] in _ = worker }
        _ = consume worker
        while ends.entries.count < 2 { await Task.yield() }
        #expect(Set(ends.entries) == ["elsewhere", "on its own thread"])
    }

    @Test func `starting and stopping threads leaves no descriptor open`() async throws {
        // In a process of its own, where nobody else opens any.
        await #expect(processExitsWith: .success) {
            try LoopThread().stop()
            let before = OpenDescriptors.count
            for _ in 0..<100 { try LoopThread().stop() }
            // A few may be of the testing library, which works beside us; a leak of ours would be a hundred.
            #expect(OpenDescriptors.count <= before + 8)
        }
    }

    // MARK: From loop to loop

    @Test func `a future of one loop is awaited on another, by a task and by a coroutine`() async throws {
        let worker = try LoopThread()
        try await withLoop { loop async throws in
            let there = worker.loop.spawn {
                try await worker.loop.moment()
                return worker.loop.isCurrent ? 1 : 0
            }
            #expect(try await there.value == 1)
            #expect(loop.isCurrent)
            let coroutine = loop.coroutine { co in
                let value = try await co.yield(worker.loop.future { 2 })
                return loop.isCurrent ? value : 0
            }
            #expect(try await coroutine.value == 2)
        }
        try worker.stop()
    }

    @Test func `gathering takes futures of several loops, in order`() async throws {
        let workers = try (0..<3).map { _ in try LoopThread() }
        try await withLoop { loop async throws in
            let futures = (0..<60).map { number in
                workers[number % 3].loop.future {
                    for _ in 0..<(number % 7) { try await workers[number % 3].loop.moment() }
                    return number
                }
            }
            #expect(try await loop.gather(futures).value == Array(0..<60))
        }
        for worker in workers { try worker.stop() }
    }

    @Test func `one failure cancels the rest on their own loops`() async throws {
        let workers = try (0..<2).map { _ in try LoopThread() }
        try await withLoop { loop async throws in
            let ends = Journal<Bool>()
            let sleepers = workers.map { worker in
                worker.loop.spawn {
                    defer { ends.note(worker.loop.isCurrent) }
                    try await worker.loop.sleep(for: .seconds(3600))
                }
            }
            let failing = workers[0].loop.future { () async throws -> Void in throw Oops("one of several loops") }
            let gathered = loop.gather(sleepers.map(\.future) + [failing], onFailure: .cancelRest)
            await #expect(throws: Oops("one of several loops")) { try await gathered.value }
            for sleeper in sleepers { _ = try? await sleeper.value }
            while ends.entries.count < 2 { try await loop.moment() }
            #expect(ends.entries == [true, true])
        }
        for worker in workers { try worker.stop() }
    }

    @Test func `a promise is completed from another loop, once, however many try`() async throws {
        let workers = try (0..<4).map { _ in try LoopThread() }
        try await withLoop { loop async throws in
            for _ in 0..<50 {
                let promise = loop.promise(of: Int.self)
                let wins = workers.enumerated().map { number, worker in
                    worker.loop.future { promise.trySucceed(number) ? 1 : 0 }
                }
                let value = try await promise.future.value
                #expect((0..<4).contains(value))
                #expect(loop.isCurrent)
                #expect(try await loop.gather(wins).value.reduce(0, +) == 1)
            }
        }
        for worker in workers { try worker.stop() }
    }

    @Test func `cancelling from another loop reaches the sleeper, whose clean-up runs at home`() async throws {
        let worker = try LoopThread()
        try await withLoop { loop async throws in
            let home = Journal<Bool>()
            let started = loop.promise(of: Void.self)
            let task = worker.loop.spawn {
                defer { home.note(worker.loop.isCurrent) }
                started.trySucceed(())
                try await worker.loop.sleep(for: .seconds(3600))
            }
            try await started.future.value
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(home.entries == [true])
        }
        try worker.stop()
    }

    @Test func `two loops play ping-pong with futures`() async throws {
        let worker = try LoopThread()
        try await withLoop { loop async throws in
            var sum = 0
            for number in 0..<300 {
                sum += try await worker.loop.future { try await loop.future { number }.value }.value
            }
            #expect(sum == 300 * 299 / 2)
        }
        try worker.stop()
    }

    @Test func `whoever awaits a future of a thread that is stopped is woken`() async throws {
        let worker = try LoopThread()
        try await withLoop { loop async throws in
            let promise = worker.loop.promise(of: Int.self)
            let waiting = loop.spawn { try await promise.future.value }
            try await loop.moment()
            try await loop.runBlocking { try worker.stop() }
            await #expect(throws: LoopError.closed) { try await waiting.value }
            _ = promise
        }
    }
}
