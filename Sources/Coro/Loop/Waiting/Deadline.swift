// Absolute deadlines that nest: each is a `CancelScope` that is never cancelled, so one covers every wait inside it.

/// A wait outlived its deadline.
public struct TimeoutError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What timed out; "Timeout" when nobody said.
    public var message: String

    /// Makes the error with a message of your own.
    public init(_ message: String = "Timeout") { self.message = message }

    public var description: String { message }
}

enum Deadline {
    /// The deadline of the code that asks.
    static var current: LoopInstant? { CancelScope.current?.deadline }
}

extension EventLoop {
    /// Runs `operation` with a deadline for every wait inside it.
    ///
    /// Deadlines nest: the earliest one counts. A wait that reaches it throws `TimeoutError` and has not happened:
    /// nothing is consumed and the stream, future or lock is still usable. Code that computes is not interrupted.
    ///
    /// - Throws: what `operation` throws, `TimeoutError` among it.
    public func withDeadline<Result>(
        _ deadline: LoopInstant, _ operation: () async throws -> Result
    ) async rethrows -> Result {
        try await limited(by: deadline, nil, operation)
    }

    /// Runs `operation` with a deadline whose `TimeoutError` says `message`, which is computed then and not before.
    public func withDeadline<Result>(
        _ deadline: LoopInstant, _ message: @autoclosure @escaping @Sendable () -> String,
        _ operation: () async throws -> Result
    ) async rethrows -> Result {
        try await limited(by: deadline, message, operation)
    }

    /// Runs `operation` with a deadline `timeout` from now. See `withDeadline`.
    public func withTimeout<Result>(
        _ timeout: Duration, _ operation: () async throws -> Result
    ) async rethrows -> Result {
        try await limited(by: now.advanced(by: timeout), nil, operation)
    }

    /// Runs `operation` with a deadline `timeout` from now whose `TimeoutError` says `message`, computed then.
    public func withTimeout<Result>(
        _ timeout: Duration, _ message: @autoclosure @escaping @Sendable () -> String,
        _ operation: () async throws -> Result
    ) async rethrows -> Result {
        try await limited(by: now.advanced(by: timeout), message, operation)
    }

    private func limited<Result>(
        by deadline: LoopInstant, _ message: (@Sendable () -> String)?, _ operation: () async throws -> Result
    ) async rethrows -> Result {
        let scope = CancelScope(loop: self, parent: .current, deadline: deadline, timeoutMessage: message)
        return try await CancelScope.$current.withValue(scope) { try await operation() }
    }
}
