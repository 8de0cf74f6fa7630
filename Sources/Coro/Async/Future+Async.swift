// Futures and native `async`, both ways.

extension Future {
    /// The future's value. Suspends until it is there; does not when it is there already.
    ///
    /// May be awaited on any thread, any number of times; the task resumes where it came from. Cancelling the task
    /// that awaits ends the wait, not the future.
    ///
    /// - Throws: the future's failure; `CancellationError` when the future or the awaiting task was cancelled;
    ///   `TimeoutError` past the task's deadline; `LoopError.closed`.
    @inlinable
    public var value: Value {
        get async throws {
            if !isDone { try await waitUntilDone() }
            return try get()
        }
    }
}

extension AnyFuture {
    @usableFromInline
    final func waitUntilDone() async throws {
        try await park(on: loop, for: "waiting for a future") { waiter in self.whenSettled(wake: waiter) }
    }
}

extension EventLoop {
    /// A future made from native async code, which starts in a later iteration. Cancelling the future cancels the code.
    public func future<Value: Sendable>(
        file: StaticString = #fileID, line: UInt = #line, _ body: sending @escaping () async throws -> Value
    ) -> Future<Value> {
        spawn(file: file, line: line, body).future
    }
}

extension EventLoop.Task: Yieldable {
    public func future(on loop: EventLoop) -> Future<Output> { future }
}

extension Coroutine {
    /// Runs native async code as a task of the coroutine's loop and waits for it.
    ///
    /// - Throws: what it throws; `CancellationError` when the coroutine's future was cancelled, which cancels the task.
    public func yield<Value: Sendable>(_ body: sending @escaping () async throws -> Value) async throws -> Value {
        try await yield(loop.future(body))
    }
}
