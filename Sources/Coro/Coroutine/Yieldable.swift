// Everything that may be yielded, and what it turns into: one future. The list is the conformances below, `Thunk` and
// `AnyYieldable`; and, for what belongs to a higher floor, `Async/Future+Async.swift`.

/// Something a generator-style coroutine may yield.
///
/// Make your own types yieldable by returning a future of this loop.
public protocol Yieldable<YieldedValue>: SendableMetatype {
    /// What the `yield` returns.
    associatedtype YieldedValue: Sendable

    /// The future to wait for. Called once, on the loop's thread, at the yield.
    func future(on loop: EventLoop) -> Future<YieldedValue>
}

extension Future: Yieldable {
    @inlinable
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

/// A generator by hand that yields what it waits for, and is sent what that came to.
///
/// This is the seeds' runner, in full: step the generator, wait for what it yields, send the value or throw the failure
/// back in, until it returns. A generator that yields things of different types yields `AnyYieldable`.
///
/// - Throws: at the yield what the body throws; `GeneratorError.alreadyBegun` when it was stepped before. The body must
///   not await anything native.
extension Generator: Yieldable where Yielded: Yieldable, Sent == Yielded.YieldedValue {
    public func future(on loop: EventLoop) -> Future<Returned> {
        loop.coroutine { co in
            var step = try self.start()
            while case .yielded(let yieldable) = step {
                let sent: Sent
                do {
                    sent = try await co.yield(yieldable)
                } catch {
                    step = try self.throw(error)
                    continue
                }
                step = try self.send(sent)
            }
            guard case .returned(let value) = step else { throw GeneratorError.finished }
            return value
        }
    }
}
