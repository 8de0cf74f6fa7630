// A result that arrives once, without its type: everything about a future but the value. `Future` adds that, and is all
// that generic code has to be compiled for; the rest is compiled once, here.
//
// Claiming and settling are two steps so that any thread may complete a promise and learn at once whether it was
// first: the claim is one atomic exchange, made wherever the caller is; the state itself is written on the loop's
// thread, and observers are called from there, each in a later iteration than the completing call.
//
// The order of the properties is by size, for one reason: with no holes between them, a future and its value are 120 bytes,
// the most that malloc serves from its fast bins.

internal import Synchronization

/// A future of whatever type: done or not, failed or not, and to be cancelled.
///
/// What waits for futures of several types takes these.
///
/// - Threads: every method may be called from any thread; those that need the loop forward themselves there.
public class AnyFuture: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `store` is filled once, by whoever claimed the future, before `progress` is released as
    // settled, and read by others only after acquiring that. `observers` and `producer` are touched on the loop's thread
    // only; by whoever claimed the future, once the loop is closed and takes nothing in any more; or in deinit. For the
    // same reason none of them needs a run-time exclusivity check.

    /// The loop that owns the future.
    public final let loop: EventLoop

    /// The value, of the type that `Future` knows, or what it failed with.
    @usableFromInline @exclusivity(unchecked) final var store = ResultStore()
    /// How to stop whatever works for this future.
    @exclusivity(unchecked) private var producer: (() -> Void)?
    @exclusivity(unchecked) private var observers = Observers()
    private let progress = Atomic<Progress>(.pending)
    /// Set when anybody took the result or asked to be told of it: a failure is then theirs to handle.
    private let isObserved = Atomic<Bool>(false)
    private let line: UInt32
    private let file: StaticString

    /// A failure as the store holds it. (Passed bare to a generic function, an `any Error` arrives as whatever is in it.)
    private struct Failure { let error: any Error }

    /// Whoever claims it says what for, so that the last to look knows what there is to destroy.
    private enum Progress: UInt8, AtomicRepresentable {
        case pending
        case finishing, failing, cancelling
        case finished, failed, cancelled
    }

    /// Where it was made.
    final var origin: SourcePlace { SourcePlace(file: file, line: UInt(line)) }

    @usableFromInline
    init(on loop: EventLoop, origin: SourcePlace) {
        self.loop = loop
        file = origin.file
        line = UInt32(truncatingIfNeeded: origin.line)
    }

    deinit {
        let progress = progress.load(ordering: .relaxed)
        if progress == .failed || progress == .failing { destroyFailure(isSettled: progress == .failed) }
    }

    @inline(never)
    private func destroyFailure(isSettled: Bool) {
        if isSettled, !isObserved.load(ordering: .relaxed) {
            Report.unobserved(store.get(Failure.self).error, origin: origin, on: loop)
        }
        store.destroy(Failure.self)
    }

    // MARK: Reading

    /// True when the result is there.
    public final var isDone: Bool { progress.load(ordering: .acquiring).rawValue >= Progress.finished.rawValue }

    /// True when the future was cancelled.
    public final var isCancelled: Bool { progress.load(ordering: .acquiring) == .cancelled }

    /// What it failed with, `CancellationError` when it was cancelled; nil when it is pending or finished. Looking at it
    /// counts as observing a failure.
    public final var failure: (any Error)? {
        defer { withExtendedLifetime(self) {} }
        switch progress.load(ordering: .acquiring) {
        case .pending, .finishing, .failing, .cancelling, .finished: return nil
        case .cancelled: return CancellationError()
        case .failed:
            markObserved()
            return store.get(Failure.self).error
        }
    }

    /// Whether the store holds a value, for `deinit`: it may be claimed and never settled, by a loop that went.
    @inline(__always)
    final var holdsValue: Bool {
        let progress = progress.load(ordering: .relaxed)
        return progress == .finished || progress == .finishing
    }

    /// True when the value is there.
    @usableFromInline final var isFinished: Bool { progress.load(ordering: .acquiring) == .finished }

    /// The error of a future that has no value: its failure, or that it is pending.
    @usableFromInline final var reasonForNoValue: any Error { failure ?? FutureError.pending }

    // MARK: Observing

    /// What is called with a future that is done: `Future.Observer` when its type is forgotten.
    @usableFromInline
    struct Observer { let call: (AnyFuture) throws -> Void }

    /// Calls `observer` with this future once it is done, in a later iteration of its loop.
    @usableFromInline
    final func callWhenDone(_ observer: consuming Observer) {
        guard loop.isCurrent else { return sendToLoop(observer) }
        markObserved()
        if isDone { callSoon(observer) } else { observers.append(.later(observer.call)) }
    }

    // (What seldom happens is out of line, here and below, so that the rest needs no room on the stack for it.)

    @inline(never)
    private func sendToLoop(_ observer: consuming Observer) {
        // SAFETY: runs once, on the loop's thread; the public face of this demands a Sendable observer.
        nonisolated(unsafe) let observer = consume observer
        loop.addCallback { self.callWhenDone(observer) }
    }

    @inline(never)
    private func callSoon(_ observer: consuming Observer) {
        let observer = consume observer
        loop.ready.append(.callback { try observer.call(self) })
    }

    /// Calls `observer` inside the completing call, or at once when the future is done.
    ///
    /// Only for observers that do nothing but schedule a later resumption, so that the order among all observers is
    /// kept and none runs user code inside `succeed`. Loop's thread.
    ///
    /// - Parameter looks: false when the observer does not answer for a failure: nobody else looking, it is reported.
    final func whenSettled(looks: Bool = true, _ observer: @escaping () -> Void) {
        if looks { markObserved() }
        if isDone { observer() } else { observers.append(.now(observer)) }
    }

    /// Calls `observer` on `loop`: inside the completing call when the future is of that loop, by a callback when it is
    /// of another.
    final func whenSettled(on loop: EventLoop, looks: Bool = true, _ observer: @escaping () -> Void) {
        if loop === self.loop, loop.isCurrent { return whenSettled(looks: looks, observer) }
        // SAFETY: runs once, on `loop`'s thread, which is where it was made.
        nonisolated(unsafe) let observer = observer
        onLoop {
            self.whenSettled(looks: looks) { loop.addCallback { observer() } }
        }
    }

    /// Wakes `waiter` inside the completing call, or at once when the future is done. Loop's thread.
    final func whenSettled(wake waiter: Waiter) {
        markObserved()
        waiter.place = origin
        if isDone { waiter.wake(.ready) } else { observers.append(.waiter(waiter)) }
    }

    /// How many are remembered as waiting; more than those who do, by a few that a sweep will find. Loop's thread.
    final var observerCount: Int { observers.count }

    /// Keeps a failure that is among `quiet` from being reported.
    final func hush(_ quiet: QuietErrors) {
        defer { withExtendedLifetime(self) {} }
        guard progress.load(ordering: .acquiring) == .failed else { return }
        if quiet.contains(store.get(Failure.self).error) { markObserved() }
    }

    /// Whoever calls this answers for a failure.
    final func markObserved() { isObserved.store(true, ordering: .relaxed) }

    // MARK: Cancelling

    /// Cancels the future and whatever produces it; does nothing when it is done.
    ///
    /// Observers see `.cancelled` in a later iteration. A native task or coroutine behind the future is cancelled and
    /// may still be finishing its clean-up.
    public final func cancel() {
        guard claim(.cancelling) else { return }
        let accepted = onLoop {
            let producer = self.producer
            self.settle(.cancelled)
            producer?()
        }
        if !accepted { settleForNobody(.cancelled) }
    }

    /// Says how to stop what works for this future. Loop's thread, or before the future is shared.
    final func onCancel(_ action: @escaping () -> Void) {
        guard !isDone else { return }
        producer = action
    }

    /// Says how to stop what works for this future; done at once when it is cancelled already. Any thread.
    final func whenCancelled(_ action: @escaping @Sendable () -> Void) {
        onLoop {
            if self.isCancelled { action() } else { self.onCancel(action) }
        }
    }

    /// The same for a spawned task.
    @usableFromInline
    final func whenCancelled(cancel task: TaskRecord) {
        if loop.isCurrent {
            // (A closure that holds one object and nothing else is that object: nothing is allocated.)
            producer = { task.cancelTask() }
        } else {
            whenCancelled { task.cancelTask() }
        }
    }

    // MARK: Completing

    /// True for the first caller only, from whatever thread: it alone may settle the future.
    private func claim(_ purpose: Progress) -> Bool {
        progress.compareExchange(expected: .pending, desired: purpose, ordering: .acquiringAndReleasing).exchanged
    }

    /// Settles as failed unless there is a result already; false then. Any thread.
    final func tryFail(_ error: any Error) -> Bool {
        guard claim(.failing) else { return false }
        store.put(Failure(error: error))
        complete(.failed)
        return true
    }

    /// Settles by what was thrown: a `CancellationError` makes the future cancelled, anything else failed. False when
    /// there is a result already. Any thread.
    @usableFromInline @discardableResult
    final func tryEnd(throwing error: any Error) -> Bool {
        guard error is CancellationError else { return tryFail(error) }
        guard claim(.cancelling) else { return false }
        complete(.cancelled)
        return true
    }

    /// True for the first only, who then puts the value in and calls `completeFinished`.
    @usableFromInline
    final func claimToFinish() -> Bool { claim(.finishing) }

    /// Settles as finished, the value being stored. Any thread, once, after a successful claim.
    @usableFromInline
    final func completeFinished() { complete(.finished) }

    /// The last of those who could deliver has gone.
    @usableFromInline
    final func abandon() {
        if !isDone { failAsAbandoned() }
    }

    @inline(never)
    private func failAsAbandoned() {
        _ = tryFail(loop.isClosed ? LoopError.closed : AbandonedError(origin: origin))
    }

    /// Settles a future that is being made, which nobody waits for yet. `failure` is nil when the value is stored.
    @usableFromInline
    final func beginSettled(_ failure: (any Error)?) {
        switch failure {
        case nil: progress.store(.finished, ordering: .releasing)
        case is CancellationError: progress.store(.cancelled, ordering: .releasing)
        case let failure?:
            store.put(Failure(error: failure))
            progress.store(.failed, ordering: .releasing)
        }
    }

    @inline(__always)
    private func complete(_ end: Progress) {
        if loop.isCurrent { settle(end) } else { completeElsewhere(end) }
    }

    @inline(never)
    private func completeElsewhere(_ end: Progress) {
        if !loop.addCallback({ self.settle(end) }) { settleForNobody(end) }
    }

    /// Says that the result is there, and hands the observers over. Loop's thread.
    @inline(__always)
    private func settle(_ end: Progress) {
        if producer != nil { producer = nil }
        progress.store(end, ordering: .releasing)
        if observers.isOneLater { callFirstSoon() } else if observers.first != nil { releaseObservers() }
    }

    @inline(never)
    private func releaseObservers() {
        // Taken out first: an observer may add observers.
        let rest = observers.rest.take()
        if observers.isFirstLater { callFirstSoon() } else { observers.first.take()?.release(by: self) }
        rest?.all.forEach { $0.release(by: self) }
    }

    /// It stays where it is until its turn, so that the queue has to hold the future only, which allocates nothing.
    @inline(__always)
    private func callFirstSoon() { loop.ready.append(.callback { try self.callFirst() }) }

    /// The first observer's turn, in an iteration of its own.
    private func callFirst() throws {
        guard case .later(let observer)? = observers.first.take() else { return }
        try observer(self)
    }

    /// The end of a future whose loop is closed: those who still ask are answered, and the observers, who would run
    /// there, are dropped with all they hold.
    private func settleForNobody(_ end: Progress) {
        progress.store(end, ordering: .releasing)
        producer = nil
        observers = Observers()
    }

    /// Runs `body` now on the loop's thread, or sends it there; false when the loop is closed and it was dropped.
    @discardableResult
    final func onLoop(_ body: @escaping () -> Void) -> Bool {
        if loop.isCurrent {
            body()
            return true
        }
        // SAFETY: runs once, on the loop's thread, and what it touches belongs to that thread.
        nonisolated(unsafe) let body = body
        return loop.addCallback { body() }
    }
}
