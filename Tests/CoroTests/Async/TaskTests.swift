import Coro
import CoroTesting
import Testing

@Suite struct TaskTests {
    @Test func `S9: a task starts in a later iteration, runs on the loop, and gives its value`() async throws {
        try await withLoop { loop async throws in
            let order = Journal<String>()
            let task = loop.spawn {
                order.note("task \(loop.isCurrent)")
                return 5
            }
            order.note("after spawn")
            #expect(try await task.value == 5)
            #expect(order.entries == ["after spawn", "task true"])
            #expect(task.loop === loop)
        }
    }

    @Test func `Swift's own Task works unqualified beside import Coro`() async throws {
        let plain: Task<Int, Never> = Task { 1 }
        let detached = Task.detached { 2 }
        #expect(await plain.value + detached.value == 3)
        try await withLoop { loop async throws in
            let running: EventLoop.Task<Int> = loop.spawn { await Task { 4 }.value }
            #expect(try await running.value == 4)
            #expect(!Task.isCancelled)
        }
    }

    @Test func `cancelling ends the present wait and every one after, and the task is done when its clean-up is`()
        async throws
    {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let task = loop.spawn {
                defer { notes.note("cleaned") }
                for _ in 0..<2 {
                    do { try await loop.sleep(for: .seconds(3600)) } catch is CancellationError {
                        notes.note("cancelled")
                    }
                }
                throw CancellationError()
            }
            try await loop.moment()
            task.cancel()
            #expect(task.isCancelled)
            #expect(!task.future.isDone)
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(notes.entries == ["cancelled", "cancelled", "cleaned"])
            #expect(task.future.isCancelled)
        }
    }

    @Test func `a task cancelled before it began runs, and its first wait throws`() async throws {
        try await withLoop { loop async throws in
            let task = loop.spawn { try await loop.moment() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func `cancelling a task's future cancels the task`() async throws {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let future = loop.future {
                do { try await loop.sleep(for: .seconds(3600)) } catch { notes.note("\(type(of: error))") }
            }
            try await loop.moment()
            future.cancel()
            for _ in 0..<4 { try await loop.moment() }
            #expect(future.isCancelled)
            #expect(notes.entries == ["CancellationError"])
        }
    }

    @Test func `S8: the failure of a task that nobody looks at is reported with the place of the spawn`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("spawned") }
        try await withLoop { loop async throws in
            loop.spawn(file: "Spawn.swift", line: 3) { throw Oops("spawned") }
            for _ in 0..<4 { try await loop.moment() }
        }
        #expect(recorder.failures.map { $0.origin?.description } == ["Spawn.swift:3"])
    }

    @Test func `tasks are spawned and cancelled from any thread at any moment`() async throws {
        try await withLoop { loop async throws in
            let ended = Journal<Void>()
            for _ in 0..<4 {
                startThread {
                    for number in 0..<100 {
                        let task = loop.spawn {
                            defer { ended.note(()) }
                            try await loop.sleep(for: .seconds(number % 2 == 0 ? 3600 : 0))
                        }
                        task.cancel()
                    }
                }
            }
            while ended.entries.count < 400 { try await loop.sleep(for: .milliseconds(1)) }
        }
    }
}
