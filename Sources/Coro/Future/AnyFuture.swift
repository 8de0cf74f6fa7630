// A result that arrives once, without its type: everything about a future but the value. `Future` adds that, and is all
// that generic code has to be compiled for; the rest is compiled once, here.
//
// Claiming and settling are two steps so that any thread may complete a promise and learn at once whether it was
// first: the claim is one atomic exchange, made wherever the caller is; the state itself is written on the loop's
// thread, and observers are called from there, each in a later iteration than the completing call.

internal import Synchronization

/// A future of whatever type: done or not, failed or not, and to be cancelled.
///
/// What waits for futures of several types takes these.
///
/// - Threads: every method may be called from any thread; those that need the loop forward themselves there.
public class AnyFuture: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `storedFailure` (and the value, in `Future`) is written once, by whoever claimed the
    // future, before `progress` is released as settled, and read by others only after acquiring that. `observers` and
    // `producer` are touched on the loop's thread only; by whoever claimed the future, once the loop is closed and takes
    // nothing in any more; or in deinit.

    /// The loop that owns the future.
    public final let loop: EventLoop

    private let progress = Atomic<Progress>(.pending)
    private var storedFailure: (any Error)?
    @exclusivity(unchecked) private var observers = Observers()
    /// Set when anybody took the result or asked to be told of it: a failure is then theirs to handle.
    private let isObserved = Atomic<Bool>(false)
    /// How to stop whatever works for this future.
    @exclusivity(unchecked) private var producer = Producer.unknown
    /// Where it was made.
    final let origin: SourcePlace

    private enum Producer {
        case unknown
        case task(TaskRecord)
        case other(() -> Void)

        func cancel() {
            switch self {
            case .unknown: return
            case .task(let record): record.cancelTask()
            case .other(let cancel): cancel()
            }
        }
    }

    private enum Progress: UInt8, AtomicRepresentable {
        case pending, claimed, finished, failed, cancelled
    }

    @usableFromInline
    init(on loop: EventLoop, origin: SourcePlace) {
        self.loop = loop
        self.origin = origin
    }

    deinit {
        guard progress.load(ordering: .relaxed) == .failed, !isObserved.load(ordering: .relaxed) else { return }
        if let storedFailure { Report.unobserved(storedFailure, origin: origin, on: loop) }
    }

    // MARK: Reading

    /// True when the result is there.
    public final var isDone: Bool { progress.load(ordering: .acquiring).rawValue >= Progress.finished.rawValue }

    /// True when the future was cancelled.
    public final var isCancelled: Bool { progress.load(ordering: .acquiring) == .cancelled }

    /// What it failed with, `CancellationError` when it was cancelled; nil when it is pending or finished. Looking at it
    /// counts as observing a failure.
    public final var failure: (any Error)? {
        switch progress.load(ordering: .acquiring) {
        case .pending, .claimed, .finished: return nil
        case .cancelled: return CancellationError()
        case .failed:
            markObserved()
            return storedFailure
        }
    }

    /// True when the value is there.
    @usableFromInline final var isFinished: Bool { progress.load(ordering: .acquiring) == .finished }

    /// The error of a future that has no value: its failure, or that it is pending.
    @usableFromInline final var reasonForNoValue: any Error { failure ?? FutureError.pending }

    // MARK: Observing

    /// Calls `observer` once the future is done, in a later iteration of its loop.
    @usableFromInline
    final func whenDone(_ observer: @escaping () throws -> Void) {
        guard loop.isCurrent else {
            // SAFETY: runs once, on the loop's thread; the public face of this demands a Sendable observer.
            nonisolated(unsafe) let observer = observer
            loop.addCallback { self.whenDone(observer) }
            return
        }
        markObserved()
        if isDone { _ = loop.add(.callback(observer)) } else { observers.append(.later(observer)) }
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
        guard progress.load(ordering: .acquiring) == .failed, let storedFailure else { return }
        if quiet.contains(storedFailure) { markObserved() }
    }

    /// Whoever calls this answers for a failure.
    final func markObserved() { isObserved.store(true, ordering: .relaxed) }

    // MARK: Cancelling

    /// Cancels the future and whatever produces it; does nothing when it is done.
    ///
    /// Observers see `.cancelled` in a later iteration. A native task or coroutine behind the future is cancelled and
    /// may still be finishing its clean-up.
    public final func cancel() {
        guard claim() else { return }
        let accepted = onLoop {
            let producer = self.producer
            self.settle(.cancelled)
            producer.cancel()
        }
        if !accepted { settleForNobody(.cancelled) }
    }

    /// Says how to stop what works for this future. Loop's thread, or before the future is shared.
    final func onCancel(_ action: @escaping () -> Void) {
        guard !isDone else { return }
        producer = .other(action)
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
            producer = .task(task)
        } else {
            whenCancelled { task.cancelTask() }
        }
    }

    // MARK: Completing

    /// True for the first caller only, from whatever thread: it alone may settle the future.
    @usableFromInline
    final func claim() -> Bool {
        progress.compareExchange(
            expected: .pending, desired: .claimed, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// Settles as failed unless there is a result already; false then. Any thread.
    final func tryFail(_ error: any Error) -> Bool {
        guard claim() else { return false }
        storedFailure = error
        complete(.failed)
        return true
    }

    /// Settles by what was thrown: a `CancellationError` makes the future cancelled, anything else failed. False when
    /// there is a result already. Any thread.
    @usableFromInline @discardableResult
    final func tryEnd(throwing error: any Error) -> Bool {
        guard error is CancellationError else { return tryFail(error) }
        guard claim() else { return false }
        complete(.cancelled)
        return true
    }

    /// Settles as finished, the value being stored. Any thread, once, after a successful `claim`.
    @usableFromInline
    final func completeFinished() { complete(.finished) }

    /// The last of those who could deliver has gone.
    @usableFromInline
    final func abandon() {
        guard !isDone else { return }
        _ = tryFail(loop.isClosed ? LoopError.closed : AbandonedError(origin: origin))
    }

    /// Settles a future that is being made, which nobody waits for yet. `failure` is nil when the value is stored.
    @usableFromInline
    final func beginSettled(_ failure: (any Error)?) {
        storedFailure = failure
        let end: Progress = failure == nil ? .finished : failure is CancellationError ? .cancelled : .failed
        progress.store(end, ordering: .releasing)
    }

    private func complete(_ end: Progress) {
        if loop.isCurrent { return settle(end) }
        if !loop.addCallback({ self.settle(end) }) { settleForNobody(end) }
    }

    /// Says that the result is there, and hands the observers over. Loop's thread.
    private func settle(_ end: Progress) {
        producer = .unknown
        progress.store(end, ordering: .releasing)
        // Taken out first: an observer may add observers.
        let (first, rest) = observers.takeAll()
        guard let first else { return }
        first.release(on: loop)
        for observer in rest { observer.release(on: loop) }
    }

    /// The end of a future whose loop is closed: those who still ask are answered, and the observers, who would run
    /// there, are dropped with all they hold.
    private func settleForNobody(_ end: Progress) {
        progress.store(end, ordering: .releasing)
        producer = .unknown
        _ = observers.takeAll()
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
