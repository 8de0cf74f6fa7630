// From ordinary code into the loop and back: one coroutine, run to its outcome.

extension EventLoop {
    /// Runs the loop until `body` has ended, and returns what it returned.
    ///
    /// - Parameter timeout: when it passes, the body is cancelled and `TimeoutError` thrown.
    /// - Throws: what `body` throws; `TimeoutError`; `LoopError.stoppedBeforeCompletion` when `stop()` came first;
    ///   `LoopError.alreadyRunning` when called on a running loop's thread; `LoopError.closed`.
    public func runSync<Output: Sendable>(
        timeout: Duration? = nil, file: StaticString = #fileID, line: UInt = #line,
        _ body: sending @escaping () async throws -> Output
    ) throws -> Output {
        guard EventLoop.current == nil else { throw LoopError.alreadyRunning }
        guard !isClosed else { throw LoopError.closed }
        let task = spawn(name: "runSync", file: file, line: line, body)
        let expired = SyncBox(false)
        let timer = timeout.map { timeout in
            callLater(timeout) {
                // A body that ended in this very iteration was in time.
                guard !task.future.isDone else { return }
                expired.value = true
                task.cancel()
            }
        }
        defer { timer?.cancel() }
        // After a timeout the body has as long as something is ready, and no longer than others keep the loop busy.
        var grace = 1_000
        let finished = try run {
            if task.future.isDone { return true }
            guard expired.value else { return false }
            grace -= 1
            return ready.isEmpty || grace == 0
        }
        if expired.value, let timeout {
            throw TimeoutError("Operation timed out after \(timeout).")
        }
        guard finished else {
            task.cancel()
            throw LoopError.stoppedBeforeCompletion
        }
        return try task.future.get()
    }
}

/// A value that callbacks of one loop and the code that runs it share.
private final class SyncBox<Value>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): both are on the thread that runs the loop.
    var value: Value
    init(_ value: Value) { self.value = value }
}
