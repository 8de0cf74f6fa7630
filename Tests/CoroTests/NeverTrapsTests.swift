import Coro
import CoroTesting
import Glibc
import Testing

/// What a peer, a cancel, a drop or a late call can cause is an error or nothing, never a trap. Each test is a list of
/// everything public that could be called at the wrong time; the proof is that the process goes on.
@Suite(.ownThread) struct NeverTrapsTests {
    private func closedLoop() async throws -> EventLoop {
        try await onOwnThread {
            let loop = try EventLoop()
            loop.stop()
            try loop.run()
            try loop.close()
            return loop
        }
    }

    private func recordAll(of loop: EventLoop) -> ReportRecorder {
        let identity = ObjectIdentifier(loop)
        return ReportRecorder { $0.loop == identity }
    }

    @Test func `a closed loop answers everything, with an error or by dropping it`() async throws {
        let loop = try await closedLoop()
        let recorder = recordAll(of: loop)
        defer { recorder.stop() }
        #expect(throws: LoopError.closed) { try loop.run() }
        #expect(throws: LoopError.closed) { try loop.runSync {} }
        loop.stop()
        try loop.close()
        #expect(!loop.addCallback { Issue.record("it ran") })
        loop.callLater(.zero) { Issue.record("it ran") }.cancel()
        #expect(throws: IOError.self) { try loop.addHandler(0, interest: .readable) { _ in } }
        try loop.updateHandler(0, interest: .writable)
        loop.removeHandler(0)

        await #expect(throws: LoopError.closed) { try await loop.sleep(for: .zero) }
        await #expect(throws: LoopError.closed) { try await loop.moment() }
        await #expect(throws: LoopError.closed) { try await loop.spawn { try await loop.moment() }.value }
        #expect(try await loop.spawn { 1 }.value == 1)
        await #expect(throws: LoopError.closed) { try await loop.whenReady(0, .readable) }
        await #expect(throws: LoopError.closed) { try await loop.runBlocking { 1 } }
        await #expect(throws: LoopError.closed) { try await loop.statistics() }
        await #expect(throws: (any Error).self) { try await loop.coroutine { co in try await co.yield() }.value }
        await #expect(throws: (any Error).self) { try await loop.sleep(.zero).value }
        await #expect(throws: LoopError.closed) { for try await _ in loop.ticks(every: .seconds(1)) {} }
        loop.every(.seconds(1)) { Issue.record("it ran") }.stop()
        loop.reportSlow(over: .seconds(1))
        loop.watch(blockedFor: nil)
        loop.reportSlow(over: nil)

        let promise = loop.promise(of: Int.self)
        promise.future.whenDone { _ in Issue.record("it ran") }
        promise.future.cancel()
        #expect(!promise.trySucceed(1))
        #expect(promise.future.isCancelled)
        await #expect(throws: (any Error).self) { try await loop.gather([promise.future]).value }
        await #expect(throws: (any Error).self) { try await loop.firstOf([promise.future]).value }
        await #expect(throws: (any Error).self) { try await promise.future.withTimeout(.seconds(1)).value }

        // Sync: what is there is taken, what would wait throws.
        let (lock, queue, event) = (Lock(on: loop), Queue<Int>(on: loop, capacity: 1), Event(on: loop))
        event.set()
        queue.close()
        await #expect(throws: (any Error).self) { try await lock.acquire() }
        await #expect(throws: (any Error).self) { try await queue.get() }
        await #expect(throws: (any Error).self) { try await event.wait() }
        try lock.release()
        _ = try? await loop.withScope { scope in scope.spawn { 1 } }
        try? await loop.shielded(for: .seconds(1)) { try await loop.moment() }
    }

    @Test func `double completion, dropped promises and late cancels are answered`() async throws {
        try await withLoop { loop async throws in
            let recorder = recordAll(of: loop)
            defer { recorder.stop() }
            let promise = loop.promise(of: Int.self)
            try promise.succeed(1)
            #expect(throws: FutureError.alreadyDone) { try promise.succeed(2) }
            #expect(throws: FutureError.alreadyDone) { try promise.fail(Oops()) }
            #expect(!promise.trySucceed(3) && !promise.tryFail(Oops()) && !promise.tryComplete(.cancelled))
            promise.future.cancel()
            #expect(try promise.future.get() == 1)

            let dropped = loop.promise(of: Int.self).future
            await #expect(throws: AbandonedError.self) { try await dropped.value }
            _ = loop.promise(of: Int.self)

            let task = loop.spawn { 1 }
            _ = try await task.value
            task.cancel()
            task.future.cancel()
            let timer = loop.callLater(.zero) {}
            try await loop.sleep(for: .milliseconds(1))
            timer.cancel()
            timer.cancel()
        }
    }

    @Test func `from a thread that runs no loop everything is forwarded, or refused with an error`() async throws {
        // What was forwarded and refused there has no caller left, and is reported.
        try await withLoop { loop async throws in
            let recorder = recordAll(of: loop)
            defer { recorder.stop() }
            let (lock, queue, event) = (Lock(on: loop), Queue<Int>(on: loop), Event(on: loop))
            let pair = try StreamPair(on: loop)
            let left = pair.left
            try await loop.runBlocking {
                #expect(EventLoop.current == nil)
                loop.addCallback {}
                loop.callLater(.seconds(1)) {}.cancel()
                let promise = loop.promise(of: Int.self)
                promise.future.whenDone { _ in }
                promise.succeedQuietly(1)
                promise.future.cancel()
                loop.spawn { 1 }.cancel()
                loop.coroutine { _ in 1 }.cancel()
                event.set()
                event.clear()
                try lock.release()
                #expect(throws: SyncError.wrongThread) { try lock.tryAcquire() }
                #expect(throws: SyncError.wrongThread) { try queue.tryPut(1) }
                #expect(throws: LoopError.alreadyRunning) { try loop.close() }
                queue.close()
                // No loop to run on: the future says so.
                #expect(throws: LoopError.noLoop) { try coroutine { _ in 1 }.get() }
            }
            await #expect(throws: StreamError.wrongThread) { try await Task.detached { try await left.read() }.value }
            pair.close()
        }
    }

    @Test func `a cancel at every step of a coroutine, a task and a scope ends them and nothing else`() async throws {
        try await withLoop { loop async throws in
            for steps in 0..<12 {
                let task = loop.spawn {
                    try await loop.withScope { scope in
                        scope.spawn { while true { try await loop.moment() } }
                        let lock = Lock(on: loop)
                        try await lock.withLock { try await loop.moment() }
                        let coroutine = loop.coroutine { co in
                            try await co.yield()
                            try await loop.moment()
                            return try await co.yield([loop.sleep(.zero), loop.sleep(.seconds(3600))]).count
                        }
                        return try await loop.gathered([coroutine])
                    }
                }
                for _ in 0..<steps { try await loop.moment() }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
            }
        }
    }
}

extension Promise where Value == Int {
    fileprivate func succeedQuietly(_ value: Int) { trySucceed(value) }
}
