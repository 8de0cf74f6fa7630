// The running handle of a native task. Nested in `EventLoop`, so that Swift's own `Task` stays `Task` for everybody.

extension EventLoop {
    /// A native task that runs on a loop: its future, and `cancel()`.
    public struct Task<Output: Sendable>: Sendable {
        /// What the task will come to.
        public let future: Future<Output>
        @usableFromInline let handle: TaskHandle

        @usableFromInline
        init(future: Future<Output>, handle: TaskHandle) {
            self.future = future
            self.handle = handle
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
        public func cancel() { handle.cancel() }

        /// True once `cancel()` was called.
        public var isCancelled: Bool { handle.native?.isCancelled ?? false }
    }

    /// Starts a native task on this loop, in a later iteration.
    ///
    /// - Runs on: the loop's thread, from the first line to the last, whatever it awaits here. May be called from any
    ///   thread. A failure that nobody looks at is reported with this place.
    /// - After close: the task runs on the thread that starts it, and its first wait throws `LoopError.closed`.
    @inlinable @discardableResult
    public func spawn<Output: Sendable>(
        name: String? = nil, file: StaticString = #fileID, line: UInt = #line,
        _ body: sending @escaping () async throws -> Output
    ) -> Task<Output> {
        let origin = SourcePlace(file: file, line: line)
        return spawn(TaskRecord(loop: self, name: name, origin: origin), body)
    }

    /// Starts a native task that is known by `record`.
    @inlinable
    func spawn<Output: Sendable>(
        _ record: TaskRecord, _ body: sending @escaping () async throws -> Output
    ) -> Task<Output> {
        // No promise: nobody but the task below delivers, and it does.
        let future = Future<Output>(on: self, origin: record.origin)
        let handle = start(record, for: future) {
            do { future.trySucceed(try await body()) } catch { future.tryEnd(throwing: error) }
        }
        return Task(future: future, handle: handle)
    }

    /// The part of `spawn` that does not depend on the type.
    @usableFromInline
    func start(
        _ record: TaskRecord, for future: AnyFuture, _ body: sending @escaping () async -> Void
    ) -> TaskHandle {
        let native = _Concurrency.Task(name: record.name, executorPreference: self) {
            // Task-locals flow in, but for the scope: it governs the waits of those who are inside, and this task
            // outlives that. Who awaits the task does so under his own.
            await CancelScope.$current.withValue(record) {
                record.begin()
                await body()
                record.end()
            }
        }
        let handle = TaskHandle(record: record, native: native)
        // Sent to the loop from elsewhere, where the task may be running already.
        future.whenCancelled { handle.cancel() }
        return handle
    }
}

/// A spawned task without its type: who it is, and how to cancel it.
@usableFromInline
struct TaskHandle: Sendable {
    let record: TaskRecord
    /// Nil while the task is being made.
    var native: _Concurrency.Task<Void, Never>?

    func cancel() {
        native?.cancel()
        record.taskWasCancelled()
    }
}
