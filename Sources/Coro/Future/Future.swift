// The read end of a result that arrives once. `Promise` is the write end; `AnyFuture` is all of it but the value;
// `Future+Observing.swift` has what is built on top.
//
// What is `@inlinable` here is so because it is generic: compiled in the module that uses it, it costs some nanoseconds
// instead of some hundred.

/// A result that arrives once, on a loop.
///
/// - Runs on: observers run on `loop`, in the order they were added, in a later iteration than the call that
///   completed the future, also when it was complete before they were added.
/// - Threads: every method may be called from any thread; those that need the loop forward themselves there.
public final class Future<Value: Sendable>: AnyFuture, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): see `AnyFuture`; the value is put once before the future is settled.

    @inlinable
    override init(on loop: EventLoop, origin: SourcePlace) {
        super.init(on: loop, origin: origin)
    }

    /// A future that has its result already.
    @inlinable
    public convenience init(
        on loop: EventLoop, _ outcome: Outcome<Value>, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(on: loop, origin: SourcePlace(file: file, line: line))
        switch outcome {
        case .finished(let value):
            store.put(value)
            beginSettled(nil)
        case .failed(let error): beginSettled(error)
        case .cancelled: beginSettled(CancellationError())
        }
    }

    deinit {
        // (Most values are numbers and the like, and nothing is to be done; finding that out in there takes ten times as long.)
        if holdsValue, !_isPOD(Value.self) { store.destroy(Value.self) }
    }

    // MARK: Reading

    /// The result, when it is there. Looking at it counts as observing a failure.
    @inlinable
    public var result: Outcome<Value>? {
        defer { withExtendedLifetime(self) {} }
        if isFinished { return .finished(store.get(Value.self)) }
        guard let failure else { return nil }
        return Outcome(error: failure)
    }

    /// The value of a future that is done.
    ///
    /// - Throws: `FutureError.pending` before that, the failure of a failed one, `CancellationError` of a cancelled.
    @inlinable
    public func get() throws -> Value {
        defer { withExtendedLifetime(self) {} }
        guard isFinished else { throw reasonForNoValue }
        return store.get(Value.self)
    }

    // MARK: Observing

    /// Calls `observer` with the future once it is done, in a later iteration of its loop.
    ///
    /// Observers run in the order they were added. One that throws is reported and the rest still run.
    @inlinable
    public func whenDone(_ observer: consuming @escaping @Sendable (Future<Value>) throws -> Void) {
        // SAFETY: it is called with this very future; and a closure that takes a reference is called the same way whatever
        // the class. Wrapped in another that casts, it would need a context of its own: an allocation.
        callWhenDone(unsafeBitCast(Observer(call: consume observer), to: AnyFuture.Observer.self))
    }

    /// In a struct, since a bare closure is wrapped wherever it passes through generic code, `unsafeBitCast` say.
    @usableFromInline
    struct Observer {
        @usableFromInline let call: @Sendable (Future<Value>) throws -> Void
        @inlinable
        init(call: consuming @escaping @Sendable (Future<Value>) throws -> Void) { self.call = call }
    }

    // MARK: Completing

    /// Settles with `value` unless there is a result already; false then. Any thread.
    @inlinable @discardableResult
    func trySucceed(_ value: Value) -> Bool {
        guard claimToFinish() else { return false }
        store.put(value)
        completeFinished()
        return true
    }

    /// Settles with `outcome` unless there is a result already; false then. Any thread.
    @inlinable @discardableResult
    func settle(_ outcome: Outcome<Value>) -> Bool {
        switch outcome {
        case .finished(let value): trySucceed(value)
        case .failed(let error): tryEnd(throwing: error)
        case .cancelled: tryEnd(throwing: CancellationError())
        }
    }
}
