// The read end of a result that arrives once. `Promise` is the write end; `Future+Observing.swift` has what is built on top.
//
// Claiming and settling are two steps so that any thread may complete a promise and learn at once whether it was
// first: the claim is one atomic exchange, made wherever the caller is; the state itself is written on the loop's
// thread, and observers are called from there, each in a later iteration than the completing call.

internal import Synchronization

/// A result that arrives once, on a loop.
///
/// - Runs on: observers run on `loop`, in the order they were added, in a later iteration than the call that
///   completed the future, also when it was complete before they were added.
/// - Threads: every method may be called from any thread; those that need the loop forward themselves there.
public final class Future<Value: Sendable>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `outcome` is written once, on the loop's thread, before `progress` is released as
    // settled, and read by others only after acquiring that. `observers`, `onCancel` and `isObserved` are touched on
    // the loop's thread only, or in deinit, where no other reference is left.

    /// The loop that owns the future.
    public let loop: EventLoop

    private let progress = Atomic<UInt8>(pending)
    private var outcome: Outcome<Value>?
    private var observers = Observers()
    /// Set when anybody took the result or asked to be told of it: a failure is then theirs to handle.
    private var isObserved = false
    /// How to stop whatever works for this future.
    private var onCancel: (() -> Void)?
    private let origin: SourcePlace

    private static var pending: UInt8 { 0 }
    private static var claimed: UInt8 { 1 }
    private static var settled: UInt8 { 2 }

    init(on loop: EventLoop, origin: SourcePlace) {
        self.loop = loop
        self.origin = origin
    }

    /// A future that has its result already.
    public convenience init(
        on loop: EventLoop, _ outcome: Outcome<Value>, file: StaticString = #fileID, line: UInt = #line
    ) {
        self.init(on: loop, origin: SourcePlace(file: file, line: line))
        self.outcome = outcome
        progress.store(Self.settled, ordering: .releasing)
    }

    deinit {
        if case .failed(let error) = outcome, !isObserved {
            Report.unobserved(error, origin: origin)
        }
    }

    // MARK: Reading

    /// True when the result is there.
    public var isDone: Bool { progress.load(ordering: .acquiring) == Self.settled }

    /// The result, when it is there. Looking at it counts as observing a failure.
    public var result: Outcome<Value>? {
        guard isDone else { return nil }
        markObserved()
        return outcome
    }

    /// True when the future was cancelled.
    public var isCancelled: Bool {
        if isDone, case .cancelled = outcome { true } else { false }
    }

    /// The value of a future that is done.
    ///
    /// - Throws: `FutureError.pending` before that, the failure of a failed one, `CancellationError` of a cancelled.
    public func get() throws -> Value {
        guard let result else { throw FutureError.pending }
        return try result.get()
    }

    // MARK: Observing

    /// Calls `observer` with the future once it is done, in a later iteration of its loop.
    ///
    /// Observers run in the order they were added. One that throws is reported and the rest still run.
    public func whenDone(_ observer: @escaping @Sendable (Future<Value>) throws -> Void) {
        onLoop {
            self.isObserved = true
            guard self.isDone else { return self.observers.append(.later { try observer(self) }) }
            _ = self.loop.add(.callback { try observer(self) })
        }
    }

    /// Calls `observer` inside the completing call, or at once when the future is done.
    ///
    /// Only for observers that do nothing but schedule a later resumption, so that the order among all observers is
    /// kept and none runs user code inside `succeed`. Loop's thread.
    func whenSettled(_ observer: @escaping () -> Void) {
        isObserved = true
        if isDone { observer() } else { observers.append(.now(observer)) }
    }

    // MARK: Cancelling

    /// Cancels the future and whatever produces it; does nothing when it is done.
    ///
    /// Observers see `.cancelled` in a later iteration. A native task or coroutine behind the future is cancelled and
    /// may still be finishing its clean-up.
    public func cancel() {
        guard claim() else { return }
        onLoop {
            let onCancel = self.onCancel
            self.settle(.cancelled)
            onCancel?()
        }
    }

    /// Says how to stop what works for this future. Loop's thread, or before the future is shared.
    func onCancel(_ action: @escaping () -> Void) {
        guard !isDone else { return }
        onCancel = action
    }

    // MARK: Completing

    /// True for the first caller only, from whatever thread: it alone may settle the future.
    func claim() -> Bool {
        progress.compareExchange(
            expected: Self.pending, desired: Self.claimed, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// Stores the outcome and hands the observers over. Loop's thread, once, after a successful `claim`.
    func settle(_ outcome: Outcome<Value>) {
        self.outcome = outcome
        onCancel = nil
        progress.store(Self.settled, ordering: .releasing)
        observers.release(on: loop)
    }

    /// Runs `body` now on the loop's thread, or sends it there.
    @inline(__always)
    func onLoop(_ body: @escaping () -> Void) {
        if loop.isCurrent {
            body()
        } else {
            // SAFETY: runs once, on the loop's thread, and what it touches belongs to that thread.
            nonisolated(unsafe) let body = body
            loop.addCallback { body() }
        }
    }

    private func markObserved() {
        if loop.isCurrent { isObserved = true } else { loop.addCallback { self.isObserved = true } }
    }
}

/// What a future came to.
public enum Outcome<Value: Sendable>: Sendable {
    case finished(Value)
    case failed(any Error)
    case cancelled

    /// The value, or the failure thrown; a cancelled future throws `CancellationError`.
    public func get() throws -> Value {
        switch self {
        case .finished(let value): return value
        case .failed(let error): throw error
        case .cancelled: throw CancellationError()
        }
    }

    /// Runs `body` and keeps what it returns or throws; a thrown `CancellationError` is the outcome `cancelled`.
    public init(catching body: () async throws -> Value) async {
        do { self = .finished(try await body()) } catch { self = Outcome(error: error) }
    }

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

/// Those who wait for one future. Most futures have exactly one, which needs no array.
private struct Observers {
    enum Observer {
        /// Runs in a later iteration.
        case later(() throws -> Void)
        /// Runs at once; schedules only.
        case now(() -> Void)
    }

    private var first: Observer?
    private var rest: [Observer] = []

    mutating func append(_ observer: Observer) {
        if first == nil { first = observer } else { rest.append(observer) }
    }

    mutating func release(on loop: EventLoop) {
        guard let first = first.take() else { return }
        Observers.release(first, on: loop)
        guard !rest.isEmpty else { return }
        for observer in rest { Observers.release(observer, on: loop) }
        rest = []
    }

    private static func release(_ observer: Observer, on loop: EventLoop) {
        switch observer {
        case .later(let callback): _ = loop.add(.callback(callback))
        case .now(let callback): callback()
        }
    }
}
