// Everything that may be yielded, and what it turns into: one future. The list is the conformances below and, for
// what belongs to a higher floor, `Async/Yieldable+Async.swift`.

/// Something a generator-style coroutine may yield.
///
/// Make your own types yieldable by returning a future of this loop.
public protocol Yieldable<YieldedValue> {
    /// What the `yield` returns.
    associatedtype YieldedValue: Sendable

    /// The future to wait for. Called once, on the loop's thread, at the yield.
    func future(on loop: EventLoop) -> Future<YieldedValue>
}

extension Future: Yieldable {
    public func future(on loop: EventLoop) -> Future<Value> { self }
}

/// In parallel: results in the same order.
extension Array: Yieldable where Element: Yieldable {
    public func future(on loop: EventLoop) -> Future<[Element.YieldedValue]> {
        loop.gather(map { $0.future(on: loop) })
    }
}

/// In parallel: results by the same keys. (The compiler takes no conformance that depends on `Key: Sendable`; a
/// dictionary with other keys is yielded by an overload of `Coroutine.yield`.)
extension Dictionary: Yieldable where Key == String, Value: Yieldable {
    public func future(on loop: EventLoop) -> Future<[String: Value.YieldedValue]> {
        loop.gather(mapValues { $0.future(on: loop) })
    }
}

/// Nothing to wait for: the value is nil.
extension Optional: Yieldable where Wrapped: Yieldable {
    public func future(on loop: EventLoop) -> Future<Wrapped.YieldedValue?> {
        guard let wrapped = self else { return Future(on: loop, .finished(nil)) }
        return wrapped.future(on: loop).map { $0 }
    }
}

/// One iteration of the loop: everything that is ready runs before the coroutine goes on.
public struct Moment: Yieldable, Sendable {
    /// Makes a moment; `.moment` reads better.
    public init() {}

    public func future(on loop: EventLoop) -> Future<Void> {
        let promise = Promise<Void>(on: loop)
        loop.addCallback { promise.trySucceed(()) }
        return promise.future
    }
}

extension Yieldable where Self == Moment {
    /// One iteration of the loop: `co.yield(.moment)`.
    public static var moment: Moment { Moment() }
}

/// A callback-style function as something to yield: it is called with a completion to call once.
///
/// A second completion is ignored; a thunk that throws has failed.
public struct Thunk<Value: Sendable>: Yieldable {
    private let body: (@escaping @Sendable (Result<Value, any Error>) -> Void) throws -> Void

    /// Wraps a function that calls its completion once, from any thread. It runs at the yield.
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

/// Something was yielded that is not yieldable. Thrown into the body, at the yield.
public struct BadYieldError: Error, Sendable, CustomStringConvertible {
    /// The type of what was yielded.
    public let type: String

    public var description: String {
        "A coroutine may yield futures, tasks, coroutines, thunks, moments, and arrays, dictionaries and optionals of them; "
            + "this is \(type)."
    }
}
