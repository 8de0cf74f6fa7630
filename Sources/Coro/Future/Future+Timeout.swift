// Time limits on a result. Two kinds, because a future may have several who wait for it: `withTimeout` gives up waiting
// and leaves the work alone, `orCancel` stops the work. Native code has a third, `loop.withTimeout(…) { … }`, which
// covers every wait inside it.

extension Future {
    /// This future's outcome, or `TimeoutError` when that is not there `timeout` from now. The work goes on.
    ///
    /// A failure or cancellation before that passes through unchanged. What is done already passes however short the
    /// timeout. After the timeout this future can be awaited again; when it fails then, the failure is reported unless
    /// it is among `quiet`. Cancelling the result cancels this future.
    ///
    /// - Parameter message: what the error says; computed at the timeout and not before.
    /// - Runs on: this future's loop, where a timer waits until one of the two has come. May be called from any thread.
    public func withTimeout(
        _ timeout: Duration, _ message: @autoclosure @escaping @Sendable () -> String = "Timeout",
        quiet: QuietErrors = [], file: StaticString = #fileID, line: UInt = #line
    ) -> Future<Value> {
        withDeadline(loop.now.advanced(by: timeout), message(), quiet: quiet, file: file, line: line)
    }

    /// This future's outcome, or `TimeoutError` when that is not there at `deadline`. The work goes on. See `withTimeout`.
    public func withDeadline(
        _ deadline: LoopInstant, _ message: @autoclosure @escaping @Sendable () -> String = "Timeout",
        quiet: QuietErrors = [], file: StaticString = #fileID, line: UInt = #line
    ) -> Future<Value> {
        let origin = SourcePlace(file: file, line: line)
        return limited(by: deadline, message, origin, quiet: quiet)
    }

    /// This future's outcome, or `TimeoutError` when that is not there `timeout` from now; the work is then cancelled.
    ///
    /// Like `withTimeout` otherwise. Who else waits for this future sees it cancelled.
    public func orCancel(
        after timeout: Duration, _ message: @autoclosure @escaping @Sendable () -> String = "Timeout",
        file: StaticString = #fileID, line: UInt = #line
    ) -> Future<Value> {
        orCancel(at: loop.now.advanced(by: timeout), message(), file: file, line: line)
    }

    /// This future's outcome, or `TimeoutError` when that is not there at `deadline`; the work is then cancelled. See
    /// `orCancel(after:)`.
    public func orCancel(
        at deadline: LoopInstant, _ message: @autoclosure @escaping @Sendable () -> String = "Timeout",
        file: StaticString = #fileID, line: UInt = #line
    ) -> Future<Value> {
        limited(by: deadline, message, SourcePlace(file: file, line: line), atExpiry: { self.cancel() })
    }

    /// - Parameter quiet: failures after the deadline that nobody is to read about.
    private func limited(
        by deadline: LoopInstant, _ message: @escaping @Sendable () -> String, _ origin: SourcePlace,
        quiet: QuietErrors = [], atExpiry: @escaping @Sendable () -> Void = {}
    ) -> Future<Value> {
        if isDone { return self }
        let promise = Promise<Value>(on: loop, origin: origin)
        onLoop {
            if let outcome = self.result { return _ = promise.tryComplete(outcome) }
            // Fails first and cancels second: the other way round the cancellation would be the outcome.
            let timer = self.loop.expireAt(deadline) {
                if promise.tryFail(TimeoutError(message())) { atExpiry() }
            }
            promise.onCancel {
                timer.cancel()
                self.cancel()
            }
            self.whenSettled(looks: false) {
                timer.cancel()
                guard !promise.future.isDone else { return self.hush(quiet) }
                if let outcome = self.result { promise.tryComplete(outcome) }
            }
        }
        return promise.future
    }
}
