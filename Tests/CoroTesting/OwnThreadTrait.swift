// Tests that block: those that run a loop to its end by `runSync`, or wait for a process. Swift's pool has as many threads as
// cores, so two of them at a time are enough to keep every other test from going on, and two that hang keep it for ever.

internal import Coro
public import Testing

/// Runs tests on threads of their own. See `Trait.ownThread`.
public struct OwnThreadTrait: TestTrait, SuiteTrait, TestScoping {
    public var isRecursive: Bool { true }

    public func scopeProvider(for test: Test, testCase: Test.Case?) -> OwnThreadTrait? {
        // Of a suite its tests: a thread each.
        testCase == nil ? nil : self
    }

    @concurrent public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        let turn = await Turns.shared.take()
        defer { turn.end() }
        try await withTaskExecutorPreference(ThreadExecutor()) { try await function() }
    }
}

extension Trait where Self == OwnThreadTrait {
    /// Runs each test of a suite, or this test, on a thread of its own, which it may block.
    ///
    /// ```swift
    /// @Suite(.ownThread) struct ClientTests {
    ///     @Test func `gets an answer`() throws {
    ///         let loop = try EventLoop()
    ///         defer { try? loop.close() }
    ///         try loop.runSync { … }
    ///     }
    /// }
    /// ```
    ///
    /// Async tests that use `withLoop` do not need it: there the loop has the thread. Actors that a test calls, the main actor
    /// among them, stay where they are.
    public static var ownThread: OwnThreadTrait { OwnThreadTrait() }
}

/// Runs what a test's task has to do, in order, on a thread that is there while there is something.
private final class ThreadExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// A thread takes them.
        var isRunning = false
    }

    private let state = Locked(State())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustStart = state.withLock { state in
            state.jobs.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { startThread { self.run() } }
    }

    private func run() {
        while let jobs = take() {
            for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }

    private func take() -> [UnownedJob]? {
        state.withLock { state in
            guard !state.jobs.isEmpty else {
                state.isRunning = false
                return nil
            }
            defer { state.jobs = [] }
            return state.jobs
        }
    }
}
