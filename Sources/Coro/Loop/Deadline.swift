// Absolute deadlines that nest, bound by a task-local, so that one deadline covers every wait inside it.

/// A wait outlived its deadline.
public struct TimeoutError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What timed out; "Timeout" when nobody said.
    public var message: String

    /// Makes the error with a message of your own.
    public init(_ message: String = "Timeout") { self.message = message }

    public var description: String { message }
}

enum Deadline {
    @TaskLocal static var current: LoopInstant?

    /// The earlier of the task's deadline and the wait's own.
    @inline(__always)
    static func nearest(_ own: LoopInstant?) -> LoopInstant? {
        guard let bound = current else { return own }
        guard let own else { return bound }
        return min(bound, own)
    }
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
        try await Deadline.$current.withValue(Deadline.nearest(deadline)) { try await operation() }
    }

    /// Runs `operation` with a deadline `timeout` from now. See `withDeadline`.
    public func withTimeout<Result>(
        _ timeout: Duration, _ operation: () async throws -> Result
    ) async rethrows -> Result {
        try await withDeadline(now.advanced(by: timeout), operation)
    }
}
