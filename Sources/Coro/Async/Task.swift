// The running handle of a native task. Nested in `EventLoop`, so that Swift's own `Task` stays `Task` for everybody.

extension EventLoop {
    /// A native task that runs on a loop: its future, and `cancel()`.
    public struct Task<Output: Sendable>: Sendable {
        /// What the task will come to.
        public let future: Future<Output>
        private let native: _Concurrency.Task<Void, Never>

        fileprivate init(future: Future<Output>, native: _Concurrency.Task<Void, Never>) {
            self.future = future
            self.native = native
        }

        /// The loop it runs on.
        public var loop: EventLoop { future.loop }

        /// What the task returned. Suspends until it has ended; may be awaited on any thread, any number of times.
        ///
        /// - Throws: what the task threw; `CancellationError` when the task, or the one who awaits, was cancelled.
        public var value: Output {
            get async throws { try await future.value }
        }

        /// Asks the task to end: its present wait throws `CancellationError`, and so does every one after.
        ///
        /// The task is done when its clean-up is; `value` tells. May be called from any thread.
        public func cancel() { native.cancel() }

        /// True once `cancel()` was called.
        public var isCancelled: Bool { native.isCancelled }
    }

    /// Starts a native task on this loop, in a later iteration.
    ///
    /// - Runs on: the loop's thread, from the first line to the last, whatever it awaits here. May be called from any
    ///   thread. A failure that nobody looks at is reported with this place.
    /// - After close: the task runs on the thread that starts it, and its first wait throws `LoopError.closed`.
    @discardableResult
    public func spawn<Output: Sendable>(
        name: String? = nil, file: StaticString = #fileID, line: UInt = #line,
        _ body: sending @escaping () async throws -> Output
    ) -> Task<Output> {
        let promise = Promise<Output>(on: self, file: file, line: line)
        let native = _Concurrency.Task(name: name, executorPreference: self) {
            // Task-locals flow in, but for the deadline: it covers the waits of the scope that set it, and this task
            // outlives that. Who awaits the task does so under his own.
            let outcome = await Deadline.$current.withValue(nil) { await Outcome(catching: body) }
            _ = promise.tryComplete(outcome)
        }
        if isCurrent {
            promise.future.onCancel { native.cancel() }
        } else {
            // Sent to the loop, where the task may be running already.
            promise.onCancel { native.cancel() }
        }
        return Task(future: promise.future, native: native)
    }
}
