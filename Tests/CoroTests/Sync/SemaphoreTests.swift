import CoroTesting
import Testing

@testable import Coro

@Suite struct SemaphoreTests {
    @Test func `case 38: 101 acquires that timed out leave no trace, the live one gets the permit`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let semaphore = Semaphore(on: loop, permits: 0)
            let expiring = (0..<101).map { _ in
                loop.spawn { try await loop.withTimeout(.seconds(1)) { try await semaphore.acquire() } }
            }
            let live = loop.spawn { try await semaphore.acquire() }
            try await loop.moment()
            #expect(semaphore.waiters.count == 102)
            try await clock.advance(by: .seconds(2))
            for task in expiring { await #expect(throws: TimeoutError.self) { try await task.value } }
            #expect(semaphore.waiters.count == 1)
            semaphore.release()
            try await live.value
            #expect(semaphore.available == 0)
        }
    }

    @Test func `case 40: an acquire that timed out does not consume a permit released later`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let semaphore = Semaphore(on: loop, permits: 1)
            try await semaphore.acquire()
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { try await semaphore.acquire() }
            }
            semaphore.release()
            #expect(semaphore.available == 1)
            try await semaphore.acquire()
        }
    }

    @Test func `as many hold a permit as there are, and the others follow in order`() async throws {
        try await withLoop { loop async throws in
            let semaphore = Semaphore(on: loop, permits: 3)
            let order = Journal<Int>()
            let holding = Journal<Int>()
            let tasks = (0..<12).map { number in
                loop.spawn {
                    try await semaphore.withPermit {
                        order.note(number)
                        holding.note(semaphore.available)
                        try await loop.moment()
                    }
                }
            }
            for task in tasks { try await task.value }
            #expect(order.entries == Array(0..<12))
            #expect(holding.entries.prefix(3) == [2, 1, 0])
            #expect(holding.entries.dropFirst(3).allSatisfy { $0 == 0 })
            #expect(semaphore.available == 3)
        }
    }

    @Test func `permits may be added`() async throws {
        try await withLoop { loop async throws in
            let semaphore = Semaphore(on: loop, permits: 0)
            #expect(try semaphore.tryAcquire() == false)
            semaphore.release()
            semaphore.release()
            #expect(semaphore.available == 2)
            #expect(try semaphore.tryAcquire())
            try await semaphore.acquire()
            #expect(semaphore.available == 0)
        }
    }

    @Test func `a permit passes over the cancelled, and is never lost to one cancelled as it comes`() async throws {
        try await withLoop { loop async throws in
            for cancelsFirst in [true, false] {
                let semaphore = Semaphore(on: loop, permits: 0)
                let one = loop.spawn { try await semaphore.acquire() }
                try await loop.moment()
                if cancelsFirst { one.cancel() }
                semaphore.release()
                if !cancelsFirst { one.cancel() }
                // Either he has it, or it is free.
                let has = (try? await one.value) != nil
                #expect(semaphore.available == (has ? 0 : 1))
                #expect(semaphore.waiters.isEmpty)
            }
        }
    }

    @Test func `withPermit gives its permit back when the body throws or is cancelled`() async throws {
        try await withLoop { loop async throws in
            let semaphore = Semaphore(on: loop, permits: 1)
            await #expect(throws: Oops("body")) { try await semaphore.withPermit { throw Oops("body") } }
            #expect(semaphore.available == 1)
            let sleeping = loop.spawn { try await semaphore.withPermit { try await loop.sleep(for: .seconds(3600)) } }
            try await loop.moment()
            #expect(semaphore.available == 0)
            sleeping.cancel()
            _ = try? await sleeping.value
            #expect(semaphore.available == 1)
        }
    }

    @Test func `a bounded semaphore refuses to be released more often than acquired`() async throws {
        try await withLoop { loop async throws in
            let semaphore = BoundedSemaphore(on: loop, permits: 2)
            #expect(throws: SyncError.notAcquired) { try semaphore.release() }
            try await semaphore.acquire()
            try semaphore.release()
            #expect(throws: SyncError.notAcquired) { try semaphore.release() }
            try await semaphore.withPermit { #expect(semaphore.available == 1) }
            #expect(semaphore.available == 2)
        }
    }

    @Test func `another thread acquires by waiting and releases, and is refused an answer at once`() async throws {
        try await withLoop { loop async throws in
            let semaphore = Semaphore(on: loop, permits: 1)
            try await Task.detached {
                try await semaphore.withPermit { #expect(semaphore.available == 0) }
                #expect(throws: SyncError.wrongThread) { try semaphore.tryAcquire() }
            }.value
            while semaphore.available == 0 { try await loop.moment() }
            startThread { semaphore.release() }
            while semaphore.available == 1 { try await loop.moment() }
        }
    }

    @Test func `closing the loop wakes waiters with its error`() throws {
        let loop = try EventLoop()
        let semaphore = Semaphore(on: loop, permits: 0)
        let tasks = (0..<3).map { _ in loop.spawn { try await semaphore.acquire() } }
        loop.stop()
        try loop.run()
        try loop.close()
        for task in tasks { #expect(throws: LoopError.closed) { try task.future.get() } }
        #expect(semaphore.waiters.isEmpty)
        semaphore.release()
    }
}
