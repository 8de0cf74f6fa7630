// Time and turns. Swift's own `Task.sleep` and `Task.yield` ignore an executor preference and would leave the loop's
// thread; these do not.

extension EventLoop {
    /// Suspends the task for `duration`. Zero or less is a `moment`.
    ///
    /// - Throws: `CancellationError`, `TimeoutError` past the task's deadline, `LoopError.closed`.
    public func sleep(for duration: Duration) async throws { try await sleep(until: now.advanced(by: duration)) }

    /// Suspends the task until the loop's clock reaches `instant`.
    public func sleep(until instant: LoopInstant) async throws {
        try await park(on: self, for: "sleeping") { waiter in
            let timer = WakeTimer(loop: self, deadline: instant, waking: waiter, .ready)
            self.timers.insert(timer)
            waiter.whenWoken { timer.cancel() }
        }
    }

    /// Suspends the task for one iteration: everything that is ready now runs first.
    ///
    /// - Throws: `CancellationError`, `TimeoutError` past the task's deadline, `LoopError.closed`.
    public func moment() async throws {
        let scope = CancelScope.current
        guard isCurrent, !isClosed else { return try await momentElsewhere() }
        if CancelScope.isCancelled(in: scope) { throw CancellationError() }
        if let deadline = scope?.deadline, deadline <= now { throw CancelScope.timeout(in: scope) }
        var isOwn = false
        await withUnsafeContinuation { continuation in
            isOwn = scope?.task?.owns(continuation) == true
            _ = add(.resume(continuation))
        }
        if isOwn, isObserved { scope?.task?.resumes() }
        if CancelScope.isCancelled(in: scope) { throw CancellationError() }
    }

    private func momentElsewhere() async throws {
        try await park(on: self, for: "waiting for a turn") { waiter in
            _ = self.add(.callback { waiter.wake(.ready) })
        }
    }

    /// A future that finishes after `duration`: start the clock now, wait for it later. `co.yield(loop.sleep(.seconds(1)))`.
    public func sleep(_ duration: Duration, file: StaticString = #fileID, line: UInt = #line) -> Future<Void> {
        let promise = Promise<Void>(on: self, file: file, line: line)
        let timer = callLater(duration) { promise.trySucceed(()) }
        promise.onCancel { timer.cancel() }
        return promise.future
    }
}
