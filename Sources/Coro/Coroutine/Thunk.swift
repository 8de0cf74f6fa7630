// Callback-style functions as something to yield.

/// A callback-style function as something to yield: it is called, at the yield, with a completion to call once.
///
/// The first completion counts; what comes after it, a thrown error too, is ignored. A thunk that throws has failed; one
/// that drops its completion fails with `AbandonedError`. The completion may be called from any thread.
public struct Thunk<Value: Sendable>: Yieldable {
    private let body: (@escaping @Sendable (Result<Value, any Error>) -> Void) throws -> Void

    /// Wraps a function whose completion takes a `Result`.
    public init(_ body: @escaping (@escaping @Sendable (Result<Value, any Error>) -> Void) throws -> Void) {
        self.body = body
    }

    public func future(on loop: EventLoop) -> Future<Value> {
        let promise = Promise<Value>(on: loop)
        do {
            try body { result in
                switch result {
                case .success(let value): promise.trySucceed(value)
                case .failure(let error): promise.tryFail(error)
                }
            }
        } catch {
            promise.tryFail(error)
        }
        return promise.future
    }
}

extension Thunk {
    /// Wraps a function whose completion takes the value and nothing else.
    public static func callback(_ body: @escaping (@escaping @Sendable (Value) -> Void) throws -> Void) -> Thunk {
        Thunk { done in try body { value in done(.success(value)) } }
    }

    /// Wraps a function whose completion takes an error or else a value: `done(nil, value)`.
    ///
    /// - Throws: at the yield the error, or `ThunkError.nothing` when there was neither.
    public static func errorFirst(
        _ body: @escaping (@escaping @Sendable ((any Error)?, Value?) -> Void) throws -> Void
    ) -> Thunk {
        Thunk { done in
            try body { error, value in
                if let error { return done(.failure(error)) }
                done(Result { try there(value) })
            }
        }
    }

    /// Wraps a function whose completion takes an error or nothing: `done(nil)`.
    public static func errorFirst(
        _ body: @escaping (@escaping @Sendable ((any Error)?) -> Void) throws -> Void
    ) -> Thunk where Value == Void {
        Thunk { done in
            try body { error in done(error.map { .failure($0) } ?? .success(())) }
        }
    }

    /// Wraps a function whose completion takes an error or else several values, which become a tuple:
    /// `done(nil, status, text)`.
    ///
    /// - Throws: at the yield the error, or `ThunkError.nothing` when a value was missing.
    public static func errorFirst<First: Sendable, Second: Sendable, each Other: Sendable>(
        _ body:
            @escaping (
                @escaping @Sendable ((any Error)?, First?, Second?, repeat (each Other)?) -> Void
            ) throws -> Void
    ) -> Thunk where Value == (First, Second, repeat each Other) {
        Thunk { done in
            try body { (error: (any Error)?, first: First?, second: Second?, other: repeat (each Other)?) in
                if let error { return done(.failure(error)) }
                done(Result { (try there(first), try there(second), repeat try there(each other)) })
            }
        }
    }
}

private func there<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw ThunkError.nothing }
    return value
}

/// What is wrong with a completion.
public enum ThunkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It was called without an error and without a value.
    case nothing

    public var description: String { "The completion was called with neither an error nor all of its values." }
}
