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
    // settled, and read by others only after acquiring that. `observers` and `onCancel` are touched on the loop's
    // thread only; by whoever claimed the future, once the loop is closed and takes nothing in any more; or in deinit.

    /// The loop that owns the future.
    public let loop: EventLoop

    private let progress = Atomic<UInt8>(pending)
    private var outcome: Outcome<Value>?
    private var observers = Observers()
    /// Set when anybody took the result or asked to be told of it: a failure is then theirs to handle.
    private let isObserved = Atomic<Bool>(false)
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
        if case .failed(let error) = outcome, !isObserved.load(ordering: .relaxed) {
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
            self.markObserved()
            guard self.isDone else { return self.observers.append(.later { try observer(self) }) }
            _ = self.loop.add(.callback { try observer(self) })
        }
    }

    /// Calls `observer` inside the completing call, or at once when the future is done.
    ///
    /// Only for observers that do nothing but schedule a later resumption, so that the order among all observers is
    /// kept and none runs user code inside `succeed`. Loop's thread.
    func whenSettled(_ observer: @escaping () -> Void) {
        markObserved()
        if isDone { observer() } else { observers.append(.now(observer)) }
    }

    /// Wakes `waiter` inside the completing call, or at once when the future is done. Loop's thread.
    func whenSettled(wake waiter: Waiter) {
        markObserved()
        waiter.place = origin
        if isDone { waiter.wake(.ready) } else { observers.append(.waiter(waiter)) }
    }

    /// How many are remembered as waiting; more than those who do, by a few that a sweep will find. Loop's thread.
    var observerCount: Int { observers.count }

    // MARK: Cancelling

    /// Cancels the future and whatever produces it; does nothing when it is done.
    ///
    /// Observers see `.cancelled` in a later iteration. A native task or coroutine behind the future is cancelled and
    /// may still be finishing its clean-up.
    public func cancel() {
        guard claim() else { return }
        let accepted = onLoop {
            let onCancel = self.onCancel
            self.settle(.cancelled)
            onCancel?()
        }
        if !accepted { settleForNobody(.cancelled) }
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

    /// Settles from any thread, once, after a successful `claim`.
    @inline(__always)
    func complete(_ outcome: Outcome<Value>) {
        if loop.isCurrent { return settle(outcome) }
        if !loop.addCallback({ self.settle(outcome) }) { settleForNobody(outcome) }
    }

    /// Stores the outcome and hands the observers over. Loop's thread, once, after a successful `claim`.
    func settle(_ outcome: Outcome<Value>) {
        self.outcome = outcome
        onCancel = nil
        progress.store(Self.settled, ordering: .releasing)
        // Moved out first: an observer may add observers.
        var waiting = Observers()
        swap(&observers, &waiting)
        waiting.release(on: loop)
    }

    /// Stores the outcome of a future whose loop is closed: those who still ask are answered, and the observers, who
    /// would run there, are dropped with all they hold.
    private func settleForNobody(_ outcome: Outcome<Value>) {
        self.outcome = outcome
        progress.store(Self.settled, ordering: .releasing)
        onCancel = nil
        var dropped = Observers()
        swap(&observers, &dropped)
    }

    /// Runs `body` now on the loop's thread, or sends it there; false when the loop is closed and it was dropped.
    @discardableResult @inline(__always)
    func onLoop(_ body: @escaping () -> Void) -> Bool {
        if loop.isCurrent {
            body()
            return true
        }
        // SAFETY: runs once, on the loop's thread, and what it touches belongs to that thread.
        nonisolated(unsafe) let body = body
        return loop.addCallback { body() }
    }

    @inline(__always)
    func markObserved() { isObserved.store(true, ordering: .relaxed) }
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
        /// Runs in a later iteration. It holds the future, so a future must be settled by whoever owes it: a promise does
        /// when it is dropped.
        case later(() throws -> Void)
        /// Runs at once; schedules only.
        case now(() -> Void)
        /// A sleeping task. It may be awake by now: cancelled, or past its deadline.
        case waiter(Waiter)
    }

    private var first: Observer?
    private var rest: [Observer] = []
    /// How many there may be before those who no longer wait are swept out: a future that lives long, and that many
    /// wait for with a timeout, must not remember them all. Twice what the last sweep left, so it costs O(1) each.
    private var sweepAt = 16

    mutating func append(_ observer: Observer) {
        if first == nil {
            first = observer
        } else {
            if rest.count >= sweepAt { sweep() }
            rest.append(observer)
        }
    }

    var count: Int { (first == nil ? 0 : 1) + rest.count }

    private mutating func sweep() {
        rest.removeAll { observer in
            if case .waiter(let waiter) = observer { waiter.isAwake } else { false }
        }
        sweepAt = max(16, rest.count * 2)
    }

    func release(on loop: EventLoop) {
        guard let first else { return }
        Observers.release(first, on: loop)
        for observer in rest { Observers.release(observer, on: loop) }
    }

    private static func release(_ observer: Observer, on loop: EventLoop) {
        switch observer {
        case .later(let callback): _ = loop.add(.callback(callback))
        case .now(let callback): callback()
        case .waiter(let waiter): waiter.wake(.ready)
        }
    }
}
