import Coro
import CoroTesting
import Glibc
import Synchronization
import Testing

@Suite struct SyncNamesTests {
    @Test func `the names work unqualified beside Glibc and Synchronization`() async throws {
        try await withLoop { loop async throws in
            let event = Event(on: loop)
            let condition = Condition(on: loop)
            let semaphore = Semaphore(on: loop, permits: 1)
            let bounded = BoundedSemaphore(on: loop, permits: 1)
            let lock = Lock(on: loop)
            let queues: [Queue<Int>] = [Queue(on: loop), PriorityQueue(on: loop), LIFOQueue(on: loop)]
            let channel = Channel<Int>(capacity: 1)
            event.set()
            condition.notifyAll()
            try await event.wait()
            try await semaphore.withPermit { try await bounded.withPermit { try await lock.withLock {} } }
            for queue in queues { try await queue.put(1) }
            try await channel.send(1)
            #expect(channel.count == 1 && queues.allSatisfy { $0.count == 1 })
        }
    }

    @Test func `every error says what to do`() {
        for error in [SyncError.closed, .notAcquired, .noUnfinishedTask, .wrongThread, .noLoop] {
            #expect("\(error)".hasSuffix("."))
        }
    }
}
