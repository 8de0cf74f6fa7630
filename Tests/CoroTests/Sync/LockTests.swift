import CoroTesting
import Testing

@testable import Coro

@Suite struct LockTests {
    @Test func `case 41: five contenders get the lock in the order they asked`() async throws {
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            let order = Journal<String>()
            let tasks = (0..<5).map { number in
                loop.spawn {
                    try await lock.acquire()
                    order.note("\(number) in")
                    try await loop.moment()
                    order.note("\(number) out")
                    try lock.release()
                }
            }
            for task in tasks { try await task.value }
            #expect(order.entries == (0..<5).flatMap { ["\($0) in", "\($0) out"] })
            #expect(!lock.isLocked)
        }
    }

    @Test func `case 41: releasing an unlocked lock fails`() async throws {
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            #expect(throws: SyncError.notAcquired) { try lock.release() }
            try await lock.acquire()
            try lock.release()
            #expect(throws: SyncError.notAcquired) { try lock.release() }
            #expect(!lock.isLocked)
        }
    }

    @Test func `an uncontended lock does not suspend`() async throws {
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            let ran = Journal<Void>()
            loop.addCallback { ran.note(()) }
            for _ in 0..<1_000 { try await lock.withLock { #expect(lock.isLocked) } }
            #expect(try lock.tryAcquire())
            #expect(try lock.tryAcquire() == false)
            try lock.release()
            #expect(ran.entries.isEmpty)
        }
    }

    @Test func `a newcomer does not overtake the one who has been handed the lock`() async throws {
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            let order = Journal<String>()
            try await lock.acquire()
            let first = loop.spawn { try await lock.withLock { order.note("first") } }
            try await loop.moment()
            try lock.release()
            // Handed over, though the first has not run yet.
            #expect(lock.isLocked)
            #expect(try lock.tryAcquire() == false)
            try await lock.withLock { order.note("newcomer") }
            try await first.value
            #expect(order.entries == ["first", "newcomer"])
        }
    }

    @Test func `withLock returns what its body returns, and releases when that throws`() async throws {
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            #expect(try await lock.withLock { 5 } == 5)
            await #expect(throws: Oops("body")) { try await lock.withLock { throw Oops("body") } }
            #expect(!lock.isLocked)
        }
    }

    @Test func `contenders that are cancelled or time out leave no trace, and the next has the lock`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let lock = Lock(on: loop)
            let order = Journal<Int>()
            try await lock.acquire()
            let tasks = (0..<4).map { number in
                loop.spawn { try await lock.withLock { order.note(number) } }
            }
            try await loop.moment()
            tasks[0].cancel()
            tasks[2].cancel()
            for number in [0, 2] { await #expect(throws: CancellationError.self) { try await tasks[number].value } }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { try await lock.withLock { order.note(-1) } }
            }
            #expect(lock.semaphore.waiters.count == 2)
            try lock.release()
            for number in [1, 3] { try await tasks[number].value }
            #expect(order.entries == [1, 3])
            #expect(!lock.isLocked)
            #expect(lock.semaphore.waiters.isEmpty)
        }
    }

    @Test(arguments: 0..<8)
    func `cancelled at any moment around the hand-over, a contender keeps nobody from the lock`(
        moments: Int
    ) async throws {
        try await withLoop { loop async throws in
            for cancelsFirst in [true, false] {
                let lock = Lock(on: loop)
                let holder = loop.spawn { try await lock.withLock { for _ in 0..<4 { try await loop.moment() } } }
                let contender = loop.spawn { try await lock.withLock { try await loop.moment() } }
                let next = loop.spawn { try await lock.withLock { 1 } }
                for _ in 0..<moments { try await loop.moment() }
                if cancelsFirst { contender.cancel() } else { loop.addCallback { contender.cancel() } }
                #expect(try await next.value == 1)
                _ = try? await contender.value
                try await holder.value
                #expect(!lock.isLocked)
                #expect(lock.semaphore.waiters.isEmpty)
            }
        }
    }

    @Test func `a timeout of zero takes a free lock and fails at once on a held one`() async throws {
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            try await loop.withTimeout(.zero) { try await lock.acquire() }
            loop.addCallback { try lock.release() }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.zero) { try await lock.acquire() }
            }
            try await loop.moment()
            #expect(!lock.isLocked)
        }
    }

    @Test func `tasks on other threads exclude each other and the loop's own`() async throws {
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            let inside = Journal<Int>()
            let count = Counter()
            @Sendable func work() async throws {
                for _ in 0..<50 {
                    try await lock.withLock {
                        inside.note(count.add(1))
                        await Task.yield()
                        _ = count.add(-1)
                    }
                }
            }
            let elsewhere = (0..<4).map { _ in Task.detached { try await work() } }
            let here = loop.spawn { try await work() }
            for task in elsewhere { try await task.value }
            try await here.value
            #expect(inside.entries.count == 250)
            #expect(inside.entries.allSatisfy { $0 == 1 })
            while lock.isLocked { try await loop.moment() }
        }
    }

    @Test func `a wrong release on another thread is reported, since it cannot be thrown there`() async throws {
        let recorder = ReportRecorder { $0.error as? SyncError == .notAcquired }
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            try await Task.detached {
                try lock.release()
                #expect(throws: SyncError.wrongThread) { try lock.tryAcquire() }
            }.value
            while recorder.failures.isEmpty { try await loop.moment() }
            #expect(!lock.isLocked)
        }
    }

    @Test func `a generator-style coroutine takes the lock in its turn`() async throws {
        try await withLoop { loop async throws in
            let lock = Lock(on: loop)
            let order = Journal<Int>()
            let futures = (0..<3).map { number in
                loop.coroutine { co in
                    try await lock.withLock {
                        try await co.yield(.moment)
                        order.note(number)
                    }
                }
            }
            #expect(lock.isLocked)
            for future in futures { try await future.value }
            #expect(order.entries == [0, 1, 2])
            #expect(!lock.isLocked)
        }
    }

    @Test func `closing the loop wakes contenders with its error, and the holder's clean-up releases`() throws {
        let loop = try EventLoop()
        let lock = Lock(on: loop)
        let holder = loop.spawn { try await lock.withLock { try await loop.sleep(for: .seconds(3600)) } }
        let tasks = (0..<3).map { _ in loop.spawn { try await lock.withLock {} } }
        loop.stop()
        try loop.run()
        #expect(lock.semaphore.waiters.count == 3)
        try loop.close()
        for task in tasks + [holder] { #expect(throws: LoopError.closed) { try task.future.get() } }
        #expect(lock.semaphore.waiters.isEmpty)
        #expect(!lock.isLocked)
    }
}

/// A number that several threads change.
private final class Counter: Sendable {
    private let value = Locked(0)
    func add(_ amount: Int) -> Int {
        value.withLock { value in
            value += amount
            return value
        }
    }
}
