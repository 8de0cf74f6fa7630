import Coro
import CoroTesting
import Testing

@Suite struct WaiterTests {
    @Test func `a task that is cancelled already does not begin to wait`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            let task = loop.spawn {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await promise.future.value
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            promise.trySucceed(0)
        }
    }

    @Test func `cancelling one who waits ends that wait, not the future nor the others' waits`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            let one = loop.spawn { try await promise.future.value }
            let two = loop.spawn { try await promise.future.value }
            try await loop.moment()
            one.cancel()
            await #expect(throws: CancellationError.self) { try await one.value }
            #expect(!promise.future.isDone)
            promise.trySucceed(2)
            #expect(try await two.value == 2)
        }
    }

    @Test func `cancel, deadline and completion may race, and the task is resumed exactly once`() async throws {
        try await withLoop { loop async throws in
            for _ in 0..<200 {
                let promise = loop.promise(of: Int.self)
                let ends = Journal<String>()
                let task = loop.spawn {
                    do {
                        _ = try await loop.withTimeout(.microseconds(20)) { try await promise.future.value }
                        ends.note("value")
                    } catch { ends.note("\(error)") }
                }
                startThread { task.cancel() }
                startThread { promise.trySucceed(1) }
                _ = try await task.value
                #expect(ends.entries.count == 1)
            }
        }
    }

    @Test func `a task elsewhere is cancelled at any moment of its wait for the loop, and never lost`() async throws {
        try await withLoop(seconds: 60) { loop async throws in
            for _ in 0..<300 {
                let promise = loop.promise(of: Int.self)
                let waiting = Task.detached { try await promise.future.value }
                startThread { waiting.cancel() }
                await #expect(throws: CancellationError.self) { try await waiting.value }
                promise.trySucceed(0)
            }
        }
    }

    @Test func `a thousand tasks wait for one future and all are woken, in order`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            let order = Journal<Int>()
            let tasks = (0..<1_000).map { number in
                loop.spawn {
                    _ = try await promise.future.value
                    order.note(number)
                }
            }
            try await loop.moment()
            promise.trySucceed(1)
            for task in tasks { try await task.value }
            #expect(order.entries == Array(0..<1_000))
        }
    }
}
