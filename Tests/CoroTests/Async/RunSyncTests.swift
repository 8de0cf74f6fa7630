import Coro
import CoroTesting
import Testing

@Suite(.ownThread) struct RunSyncTests {
    @Test func `S9: runSync returns what its body returned and throws what it threw, again and again`() throws {
        let loop = try EventLoop()
        for round in 0..<20 {
            #expect(try loop.runSync { round } == round)
            #expect(throws: Oops("body")) { try loop.runSync { throw Oops("body") } }
        }
        try loop.close()
    }

    @Test func `case 32: a timeout cancels the body and throws with the span in its message`() throws {
        let loop = try EventLoop()
        let notes = Journal<String>()
        #expect(throws: TimeoutError("Operation timed out after \(Duration.milliseconds(2)).")) {
            try loop.runSync(timeout: .milliseconds(2)) {
                do { try await loop.sleep(for: .seconds(3600)) } catch {
                    notes.note("\(type(of: error))")
                    throw error
                }
            }
        }
        #expect(notes.entries == ["CancellationError"])
        #expect(try loop.runSync(timeout: .seconds(60)) { 1 } == 1)
        try loop.close()
    }

    @Test func `case 32: stop from inside gives a distinct error`() throws {
        let loop = try EventLoop()
        let notes = Journal<String>()
        #expect(throws: LoopError.stoppedBeforeCompletion) {
            try loop.runSync {
                defer { notes.note("cleaned") }
                loop.stop()
                try await loop.sleep(for: .seconds(3600))
            }
        }
        // The body was cancelled; its clean-up runs when the loop does again, or closes.
        try loop.close()
        #expect(notes.entries == ["cleaned"])
    }

    @Test func `a timeout is not kept waiting by others who keep the loop busy`() throws {
        let loop = try EventLoop()
        loop.spawn { while true { try await loop.moment() } }
        #expect(throws: TimeoutError.self) {
            try loop.runSync(timeout: .milliseconds(2)) {
                // A wait that heeds no cancellation.
                _ = try? await loop.coroutine { co in
                    try await co.yield(Thunk<Void> { done in loop.callLater(.seconds(3600)) { done(.success(())) } })
                }.observedByNobody()
            }
        }
        try loop.close()
    }

    @Test func `a body that ended in the iteration of its timeout was in time`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        let value = try await onOwnThread {
            let loop = try EventLoop(clock: clock)
            defer { try? loop.close() }
            // Both are due at the same instant; the body's wait was armed first.
            let promise = loop.promise(of: Int.self)
            loop.callLater(.seconds(1)) { promise.trySucceed(7) }
            return try loop.runSync(timeout: .seconds(2)) { try await promise.future.value }
        }
        #expect(value == 7)
    }

    @Test func `several loops run side by side, each on its thread`() async throws {
        let loops = try (0..<4).map { _ in try EventLoop() }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for loop in loops {
                group.addTask {
                    try await onOwnThread {
                        let ok = try loop.runSync {
                            for _ in 0..<100 { try await loop.moment() }
                            return loop.isCurrent
                        }
                        try loop.close()
                        return ok
                    }
                }
            }
            for try await ok in group { #expect(ok) }
        }
    }
}

extension Future {
    /// Waits through a continuation of its own, so that cancelling the waiting task reaches nobody.
    fileprivate func observedByNobody() async throws {
        await withCheckedContinuation { continuation in
            whenDone { _ in continuation.resume() }
        }
    }
}
