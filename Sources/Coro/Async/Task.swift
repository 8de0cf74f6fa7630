// The running handle of a native task. Nested in `EventLoop`, so that Swift's own `Task` stays `Task` for everybody.

extension EventLoop {
    /// A native task that runs on a loop: its future, and `cancel()`.
    public struct Task<Output: Sendable>: Sendable {
        /// What the task will come to.
        public let future: Future<Output>
        @usableFromInline let record: TaskRecord

        @usableFromInline
        init(future: Future<Output>, record: TaskRecord) {
            self.future = future
            self.record = record
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
        public func cancel() { record.cancelTask() }

        /// True once `cancel()` was called.
        public var isCancelled: Bool { record.isCancelled }
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
        // Task-locals flow in, but the scope is the task's own: who is inside an outer one is governed by it, and this
        // task outlives that. (Bound here and not in the task, which saves the task a frame for life.)
        // SAFETY: sent to us, and sent on to the task, which alone has it from then on.
        nonisolated(unsafe) let body = body
        let native = record.asScope {
            _Concurrency.Task(name: record.name, executorPreference: self) {
                record.begin()
                do { future.trySucceed(try await body()) } catch { future.tryEnd(throwing: error) }
                record.end()
            }
        }
        record.adopt(native)
        // Sent to the loop from elsewhere, where the task may be running already.
        future.whenCancelled(cancel: record)
        return Task(future: future, record: record)
    }
}
