// The write end of a future.

/// The one who will deliver a future's result.
///
/// Copies of the reference share one obligation. When the last one is dropped without a result, the future fails
/// with `AbandonedError`, or with `LoopError.closed` when its loop is closing: nobody waits for ever.
///
/// - Threads: every method may be called from any thread.
public final class Promise<Value: Sendable>: Sendable {
    // SAFETY: retained in `init`, released in `deinit`, constant between. A plain reference is retained and released again
    // for each call on it, `deinit` included. Nothing but this promise vouches for the future while it is used, and the
    // optimizer ends the promise at its last use, so every use but `deinit`'s extends the promise's life over it.
    @usableFromInline let held: Unmanaged<Future<Value>>

    /// The read end.
    @inlinable
    public var future: Future<Value> { withExtendedLifetime(self) { held.takeUnretainedValue() } }

    /// Makes a promise and its pending future on `loop`. Any thread. The place is named in reports.
    @inlinable
    public convenience init(on loop: EventLoop, file: StaticString = #fileID, line: UInt = #line) {
        self.init(on: loop, origin: SourcePlace(file: file, line: line))
    }

    @inlinable
    init(on loop: EventLoop, origin: SourcePlace) {
        held = .passRetained(Future(on: loop, origin: origin))
    }

    @inlinable
    deinit {
        held._withUnsafeGuaranteedRef { $0.abandon() }
        held.release()
    }

    /// Delivers the value.
    ///
    /// - Throws: `FutureError.alreadyDone` when there is a result already; the first one stands.
    @inlinable
    public func succeed(_ value: Value) throws(FutureError) {
        guard trySucceed(value) else { throw .alreadyDone }
    }

    /// Delivers a failure. A `CancellationError` makes the future cancelled.
    ///
    /// - Throws: `FutureError.alreadyDone` when there is a result already; the first one stands.
    @inlinable
    public func fail(_ error: any Error) throws(FutureError) {
        guard tryFail(error) else { throw .alreadyDone }
    }

    /// Delivers the value unless there is a result already; false then.
    @inlinable @discardableResult
    public func trySucceed(_ value: Value) -> Bool {
        withExtendedLifetime(self) { held._withUnsafeGuaranteedRef { $0.trySucceed(value) } }
    }

    /// Delivers a failure unless there is a result already; false then. A `CancellationError` makes the future cancelled.
    @inlinable @discardableResult
    public func tryFail(_ error: any Error) -> Bool { future.tryEnd(throwing: error) }

    /// Delivers an outcome unless there is one already; false then.
    @inlinable @discardableResult
    public func tryComplete(_ outcome: Outcome<Value>) -> Bool { future.settle(outcome) }

    /// Says how to stop the work behind the promise when its future is cancelled.
    ///
    /// - Runs on: the loop's thread, at most once, inside the call that cancels or in a later iteration.
    public func onCancel(_ action: @escaping @Sendable () -> Void) { future.whenCancelled(action) }
}

/// A promise was dropped before it delivered anything.
public struct AbandonedError: Error, Sendable, CustomStringConvertible {
    /// Where the promise was made.
    public let origin: SourcePlace

    public var description: String { "The promise made at \(origin) was dropped without a result." }
}

extension EventLoop {
    /// Makes a promise whose future belongs to this loop.
    @inlinable
    public func promise<Value: Sendable>(
        of type: Value.Type = Value.self, file: StaticString = #fileID, line: UInt = #line
    ) -> Promise<Value> {
        Promise(on: self, file: file, line: line)
    }
}
