// The one way a native task sleeps on a loop. Everything that waits, from `future.value` to a socket read, comes
// through `park`: it names who will wake the task, and the rest (cancel, deadline, closing loop) is the same for all.
//
// A waiter is woken exactly once. Whoever comes second finds no continuation and does nothing, so readiness, cancel
// and timeout may race as they like. And because waking only says "look again", nothing is consumed on the task's
// behalf while it sleeps: a cancelled wait has not happened.

internal import Synchronization

/// Why a parked task runs again.
enum Wake: UInt8, AtomicRepresentable {
    case ready, cancelled, timedOut, loopClosed
}

/// One native task asleep.
final class Waiter: Suspended, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): created by the task that parks, touched from then on by the loop's thread only,
    // and read again by the task after its continuation was resumed, which orders the two.

    fileprivate let loop: EventLoop
    /// What the sleeping code obeys.
    let scope: CancelScope?
    /// The task whose own sleep this is; nil for child tasks and tasks from elsewhere.
    let task: TaskRecord?
    fileprivate var continuation: UnsafeContinuation<Void, Never>?
    /// Atomic for a task on another thread: if it is resumed before it has fallen asleep, only this orders the two.
    private let cause = Atomic<Wake>(.ready)
    fileprivate(set) var wake: Wake {
        get { cause.load(ordering: .acquiring) }
        set { cause.store(newValue, ordering: .releasing) }
    }
    /// The deadline's timer, and what `arm` set up, both undone at the wake.
    private var timer: LoopTimer?
    private var undo: (() -> Void)?
    /// Set when the task was cancelled before its start had reached the loop.
    private var isCancelledEarly = false

    fileprivate init(loop: EventLoop, scope: CancelScope?, task: TaskRecord?, reason: StaticString) {
        self.loop = loop
        self.scope = scope
        self.task = task
        super.init()
        self.reason = reason
    }

    /// True when the task has been resumed, and nobody needs to remember it any more.
    var isAwake: Bool { continuation == nil }

    /// Resumes the task; does nothing when it has been resumed. Loop's thread.
    func wake(_ cause: Wake) {
        guard let continuation = continuation.take() else { return }
        wake = cause
        timer?.cancel()
        timer = nil
        undo.take()?()
        loop.suspended.remove(self)
        task?.wakes()
        continuation.resume()
    }

    /// Has the task woken by its cancellation in a later iteration; any thread.
    func requestCancel() {
        // Never inside `cancel()`: on the loop's thread the continuation is in place by then.
        loop.addCallback { self.cancel() }
    }

    /// Wakes the task, or, when it does not sleep yet, keeps it from falling asleep.
    fileprivate func cancel() {
        isCancelledEarly = true
        wake(.cancelled)
    }

    override func loopCloses() { wake(.loopClosed) }

    /// Says what to undo at the wake, whatever its reason; undone at once when the waiter is awake already.
    func whenWoken(_ action: @escaping () -> Void) {
        if continuation == nil { action() } else { undo = action }
    }

    fileprivate func start(_ continuation: UnsafeContinuation<Void, Never>, deadline: LoopInstant?) {
        self.continuation = continuation
        // On a closing loop too: the next round of `close` wakes it. Resumed at once, a task that answers every
        // failure by sleeping again would never leave its thread.
        loop.suspended.insert(self)
        since = loop.iterationTime
        task?.fallsAsleep(self)
        if isCancelledEarly { return wake(.cancelled) }
        if let deadline {
            let timer = WakeTimer(loop: loop, deadline: deadline, waking: self, .timedOut)
            loop.timers.insert(timer)
            self.timer = timer
        }
    }
}

/// Suspends the calling task until `arm`'s waiter is woken, the task or a scope around it is cancelled, the deadline
/// passes or the loop closes.
///
/// `arm` runs on the loop's thread with the waiter to wake; it may wake it at once. May be called on any thread; the
/// task resumes where it came from.
///
/// - Parameter reason: what the task does meanwhile, for those who look from outside: "sleeping", "reading".
/// - Throws: `CancellationError`, `TimeoutError`, `LoopError.closed`.
func park(
    on loop: EventLoop, for reason: StaticString = "waiting", deadline: LoopInstant? = nil,
    _ arm: @escaping (Waiter) -> Void
) async throws {
    let scope = CancelScope.current
    // Level-triggered: code that is cancelled already does not begin to wait.
    if CancelScope.isCancelled(in: scope) { throw CancellationError() }
    let deadline = CancelScope.earlier(deadline, scope?.deadline)
    if loop.isCurrent, let task = scope?.task, task.loop === loop {
        let waiter = Waiter(loop: loop, scope: scope, task: task, reason: reason)
        var isOwn = false
        await withUnsafeContinuation { continuation in
            isOwn = task.owns(continuation)
            // Resumed before it is awaited, a continuation does not suspend.
            guard isOwn else { return continuation.resume() }
            waiter.start(continuation, deadline: deadline)
            arm(waiter)
        }
        if isOwn {
            if loop.isObserved { task.resumes() }
            return try waiter.rethrow()
        }
    }
    let waiter = Waiter(loop: loop, scope: scope, task: nil, reason: reason)
    await sleepAsGuest(waiter, deadline, arm)
    try waiter.rethrow()
}

extension Waiter {
    /// What the wake means to the task.
    @inline(__always)
    fileprivate func rethrow() throws {
        switch wake {
        case .ready: return
        case .cancelled: throw CancellationError()
        case .timedOut: throw CancelScope.timeout(in: scope)
        case .loopClosed: throw LoopError.closed
        }
    }
}

/// The sleep of a child task, or of one that is not of this loop: its cancellation comes from the runtime.
private func sleepAsGuest(_ waiter: Waiter, _ deadline: LoopInstant?, _ arm: @escaping (Waiter) -> Void) async {
    // The scopes' own cancels reach it through their root, on whose loop alone that is touched.
    let root = waiter.scope.flatMap { $0.loop.isCurrent ? $0.root : nil }
    root?.enter(waiter)
    defer { root?.leave(waiter) }
    if let scope = waiter.scope, scope.isShielded {
        await sleepUnheard(waiter, deadline, arm)
    } else {
        await withTaskCancellationHandler {
            await sleepUnheard(waiter, deadline, arm)
        } onCancel: {
            waiter.requestCancel()
        }
    }
}

private func sleepUnheard(_ waiter: Waiter, _ deadline: LoopInstant?, _ arm: @escaping (Waiter) -> Void) async {
    // SAFETY: `arm` is called exactly once, on the loop's thread, while this task is suspended.
    nonisolated(unsafe) let arm = arm
    let loop = waiter.loop
    await withUnsafeContinuation { continuation in
        if loop.isCurrent {
            waiter.start(continuation, deadline: deadline)
            arm(waiter)
        } else {
            let start = WaiterStart(waiter, continuation)
            loop.addCallback {
                start.begin(deadline: deadline)
                arm(waiter)
            }
        }
    }
}

/// A waiter on its way from another thread to the loop. A loop that closes drops the callback that would start it, and
/// with it this object, which then resumes the task.
private final class WaiterStart: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): moved with its callback, touched by whoever runs or drops that.
    private let waiter: Waiter
    private var continuation: UnsafeContinuation<Void, Never>?

    init(_ waiter: Waiter, _ continuation: UnsafeContinuation<Void, Never>) {
        self.waiter = waiter
        self.continuation = continuation
    }

    deinit {
        guard let continuation else { return }
        waiter.wake = .loopClosed
        continuation.resume()
    }

    func begin(deadline: LoopInstant?) {
        guard let continuation = continuation.take() else { return }
        waiter.start(continuation, deadline: deadline)
    }
}
