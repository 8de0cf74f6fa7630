// What a future came to, and what futures refuse.

/// What a future came to.
public enum Outcome<Value: Sendable>: Sendable {
    case finished(Value)
    case failed(any Error)
    case cancelled

    /// The value, or the failure thrown; a cancelled future throws `CancellationError`.
    @inlinable
    public func get() throws -> Value {
        switch self {
        case .finished(let value): return value
        case .failed(let error): throw error
        case .cancelled: throw CancellationError()
        }
    }

    /// Runs `body` and keeps what it returns or throws; a thrown `CancellationError` is the outcome `cancelled`.
    @inlinable
    public init(catching body: () async throws -> Value) async {
        do { self = .finished(try await body()) } catch { self = Outcome(error: error) }
    }

    @inlinable
    init(error: any Error) { self = error is CancellationError ? .cancelled : .failed(error) }
}

/// What futures and promises refuse.
public enum FutureError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The result was asked for before it was there.
    case pending
    /// The promise was completed, or its future cancelled, before.
    case alreadyDone

    public var description: String {
        switch self {
        case .pending: "The future has no result yet. Await it, or observe it with whenDone."
        case .alreadyDone: "The future is done already. A promise can be completed once; use trySucceed when racing."
        }
    }
}
