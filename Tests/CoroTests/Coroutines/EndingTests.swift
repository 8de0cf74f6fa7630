import Coro
import CoroTesting
import Testing

/// How a coroutine ends before its body does: cancelled, abandoned, or with its loop.
@Suite struct EndingTests {
    @Test func `a cancelled body is told so at its present yield and at every one after, also by what is done`()
        async throws
    {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let never = loop.promise(of: Int.self)
            let done = Future(on: loop, .finished(1))
            let future = loop.coroutine { co in
                for name in ["present", "second", "third"] {
                    do {
                        notes.note("\(try await co.yield(name == "present" ? never.future : done))")
                    } catch is CancellationError {
                        notes.note(name)
                    }
                }
                do { notes.note("\(try await co.yield([done, done]))") } catch is CancellationError {
                    notes.note("array")
                }
                do { try await co.yield { _ in } } catch is CancellationError { notes.note("delegation") }
            }
            future.cancel()
            for _ in 0..<8 { try await loop.moment() }
            #expect(notes.entries == ["present", "second", "third", "array", "delegation"])
        }
    }

    @Test func `a body that cancels its own future goes on to its next yield, though that is done`() async throws {
        try await withLoop { loop async throws in
            let itself = Journal<Future<Void>>()
            let notes = Journal<String>()
            let future = loop.coroutine { co in
                try await co.yield()
                itself.entries[0].cancel()
                notes.note("after cancel")
                do { _ = try await co.yield(Future(on: loop, .finished(1))) } catch is CancellationError {
                    notes.note("told")
                }
            }
            itself.note(future)
            for _ in 0..<5 { try await loop.moment() }
            #expect(future.isCancelled)
            #expect(notes.entries == ["after cancel", "told"])
        }
    }

    @Test func `a coroutine cancelled before it has begun does not begin, and lets go of what it held`() async throws {
        try await withLoop { loop async throws in
            let gone = Journal<WeakHeld>()
            @Sendable func descend(_ depth: Int) -> Future<Void> {
                loop.coroutine { _ in
                    guard depth == 32 else { return _ = descend(depth + 1) }
                    // Too deep to start inside the call: it would when the outermost has returned.
                    let held = Held()
                    gone.note(WeakHeld(held: held))
                    let future: Future<Void> = loop.coroutine { _ in
                        Issue.record("the body began")
                        withExtendedLifetime(held) {}
                    }
                    #expect(!future.isDone)
                    future.cancel()
                }
            }
            _ = descend(1)
            #expect(gone.entries.count == 1)
            #expect(gone.entries[0].held == nil)
        }
    }

    @Test func `a CancellationError that leaves the body makes its future cancelled, not failed`() async throws {
        try await withLoop { loop in
            let future: Future<Int> = loop.coroutine { _ in throw CancellationError() }
            #expect(future.isCancelled)
        }
    }

    @Test func `what a cancelled body returns or throws in the end changes nothing, and is not reported`() async throws
    {
        try await withLoop { loop async throws in
            let recorder = ReportRecorder { $0.error as? Oops == Oops("last word") }
            let never = loop.promise(of: Int.self)
            let future: Future<Int> = loop.coroutine { co in
                do { return try await co.yield(never.future) } catch { throw Oops("last word") }
            }
            future.cancel()
            for _ in 0..<4 { try await loop.moment() }
            #expect(future.isCancelled)
            #expect(recorder.failures.isEmpty)
        }
    }

    @Test func `S8: a failure nobody looked at is reported once, with the place where the coroutine was started`()
        async throws
    {
        try await withLoop { loop async throws in
            let recorder = ReportRecorder { $0.error as? Oops == Oops("unseen") }
            func start() { let _: Future<Int> = loop.coroutine { _ in throw Oops("unseen") } }
            start()
            let spawned = loop.spawn { throw Oops("unseen") }
            _ = spawned
            for _ in 0..<4 { try await loop.moment() }
            #expect(recorder.failures.count >= 1)
            #expect(recorder.failures[0].origin?.file.description == #fileID)
        }
    }

    @Test func `an error across yields: caught and thrown anew by each level on its way up`() async throws {
        try await withLoop { loop async throws in
            @Sendable func level(_ depth: Int) -> Future<Int> {
                loop.coroutine { co in
                    try await co.yield()
                    guard depth > 0 else { throw Oops("0") }
                    do { return try await co.yield(level(depth - 1)) } catch let error as Oops {
                        try await co.yield()
                        // Every other level swallows and throws something else a yield later.
                        throw Oops("\(error.name)<\(depth)")
                    }
                }
            }
            await #expect(throws: Oops("0<1<2<3")) { try await level(3).value }
        }
    }

    @Test func `cancelling reaches every member of a yielded tuple, dictionary and thunk`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<4).map { _ in loop.promise(of: Int.self) }
            let tuple = loop.coroutine { co in
                try await co.yield(promises[0].future, ["a": promises[1].future], [[promises[2].future]])
            }
            tuple.cancel()
            let single = loop.coroutine { co in try await co.yield(Optional(promises[3].future)) }
            single.cancel()
            #expect(promises.map(\.future.isCancelled) == [true, true, true, true])
        }
    }

    @Test func `a native await that comes back after its loop has closed finds the end at the next yield`() async throws
    {
        let gate = Gate()
        let notes = Journal<String>()
        let future = try await onOwnThread {
            let loop = try EventLoop()
            let future: Future<Int> = loop.coroutine { co in
                defer { notes.note("cleaned") }
                await Task.detached { gate.wait() }.value
                notes.note("back")
                do { try await co.yield() } catch let error as LoopError {
                    notes.note("\(error == .closed)")
                    throw error
                }
                return 1
            }
            loop.stop()
            try loop.run()
            try loop.close()
            return future
        }
        #expect(!future.isDone)
        gate.open()
        for _ in 0..<5_000 where !future.isDone { try await Task.sleep(for: .milliseconds(1)) }
        #expect(notes.entries == ["back", "true", "cleaned"])
        #expect(throws: LoopError.closed) { try future.get() }
    }

    @Test func `a coroutine started on a closed loop fails with it, and its body does not run`() throws {
        let loop = try EventLoop()
        try loop.close()
        let future: Future<Int> = loop.coroutine { _ in
            Issue.record("the body ran")
            return 1
        }
        #expect(throws: LoopError.closed) { try future.get() }
    }

    @Test func `a coroutine whose promise is dropped wakes with the news`() async throws {
        try await withLoop { loop async throws in
            var promise: Promise<Int>? = loop.promise(of: Int.self)
            let waited = promise!.future
            let future = loop.coroutine { co in
                do { return try await co.yield(waited) } catch is AbandonedError { return -1 }
            }
            promise = nil
            #expect(try await future.value == -1)
        }
    }
}
