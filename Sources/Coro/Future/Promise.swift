// The write end of a future.

/// The one who will deliver a future's result.
///
/// Copies of the reference share one obligation. When the last one is dropped without a result, the future fails
/// with `AbandonedError`, or with `LoopError.closed` when its loop is closing: nobody waits for ever.
///
/// - Threads: every method may be called from any thread.
public final class Promise<Value: Sendable>: Sendable {
    /// The read end.
    public let future: Future<Value>
    private let origin: SourcePlace

    /// Makes a promise and its pending future on `loop`. Any thread. The place is named in reports.
    public convenience init(on loop: EventLoop, file: StaticString = #fileID, line: UInt = #line) {
        self.init(on: loop, origin: SourcePlace(file: file, line: line))
    }

    init(on loop: EventLoop, origin: SourcePlace) {
        self.origin = origin
        future = Future(on: loop, origin: origin)
    }

    deinit {
        tryFail(future.loop.isClosed ? LoopError.closed : AbandonedError(origin: origin))
    }

    /// Delivers the value.
    ///
    /// - Throws: `FutureError.alreadyDone` when there is a result already; the first one stands.
    public func succeed(_ value: Value) throws(FutureError) {
        guard trySucceed(value) else { throw .alreadyDone }
    }

    /// Delivers a failure. A `CancellationError` makes the future cancelled.
    ///
    /// - Throws: `FutureError.alreadyDone` when there is a result already; the first one stands.
    public func fail(_ error: any Error) throws(FutureError) {
        guard tryFail(error) else { throw .alreadyDone }
    }

    /// Delivers the value unless there is a result already; false then.
    @discardableResult
    public func trySucceed(_ value: Value) -> Bool { tryComplete(.finished(value)) }

    /// Delivers a failure unless there is a result already; false then.
    @discardableResult
    public func tryFail(_ error: any Error) -> Bool { tryComplete(Outcome(error: error)) }

    /// Delivers an outcome unless there is one already; false then.
    @discardableResult
    public func tryComplete(_ outcome: Outcome<Value>) -> Bool {
        guard future.claim() else { return false }
        future.complete(outcome)
        return true
    }

    /// Says how to stop the work behind the promise when its future is cancelled.
    ///
    /// - Runs on: the loop's thread, at most once, inside the call that cancels or in a later iteration.
    public func onCancel(_ action: @escaping @Sendable () -> Void) {
        let future = future
        future.onLoop {
            if future.isCancelled { action() } else { future.onCancel(action) }
        }
    }
}

/// A promise was dropped before it delivered anything.
public struct AbandonedError: Error, Sendable, CustomStringConvertible {
    /// Where the promise was made.
    public let origin: SourcePlace

    public var description: String { "The promise made at \(origin) was dropped without a result." }
}

extension EventLoop {
    /// Makes a promise whose future belongs to this loop.
    public func promise<Value: Sendable>(
        of type: Value.Type = Value.self, file: StaticString = #fileID, line: UInt = #line
    ) -> Promise<Value> {
        Promise(on: self, file: file, line: line)
    }
}
