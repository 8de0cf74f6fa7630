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
    fileprivate var continuation: UnsafeContinuation<Void, Never>?
    /// Atomic for a task on another thread: if it is resumed before it has fallen asleep, only this orders the two.
    private let reason = Atomic<Wake>(.ready)
    fileprivate(set) var wake: Wake {
        get { reason.load(ordering: .acquiring) }
        set { reason.store(newValue, ordering: .releasing) }
    }
    /// The deadline's timer, and what `arm` set up, both undone at the wake.
    private var timer: LoopTimer?
    private var undo: (() -> Void)?
    /// Set when the task was cancelled before its start had reached the loop.
    private var isCancelledEarly = false

    fileprivate init(loop: EventLoop) { self.loop = loop }

    /// True when the task has been resumed, and nobody needs to remember it any more.
    var isAwake: Bool { continuation == nil }

    /// Resumes the task; does nothing when it has been resumed. Loop's thread.
    func wake(_ reason: Wake) {
        guard let continuation = continuation.take() else { return }
        wake = reason
        timer?.cancel()
        timer = nil
        undo.take()?()
        loop.suspended.remove(self)
        continuation.resume()
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
        if isCancelledEarly { return wake(.cancelled) }
        if let deadline {
            timer = LoopTimer(loop: loop, deadline: deadline) { [weak self] in self?.wake(.timedOut) }
            loop.timers.insert(timer!)
        }
    }
}

/// Suspends the calling task until `arm`'s waiter is woken, the task is cancelled, the deadline passes or the loop
/// closes.
///
/// `arm` runs on the loop's thread with the waiter to wake; it may wake it at once. May be called on any thread; the
/// task resumes where it came from.
///
/// - Throws: `CancellationError`, `TimeoutError`, `LoopError.closed`.
func park(on loop: EventLoop, deadline: LoopInstant? = nil, _ arm: @escaping (Waiter) -> Void) async throws {
    // Level-triggered: a task that is cancelled already does not begin to wait.
    try _Concurrency.Task.checkCancellation()
    let deadline = Deadline.nearest(deadline)
    let waiter = Waiter(loop: loop)
    // SAFETY: `arm` is called exactly once, on the loop's thread, while this task is suspended.
    nonisolated(unsafe) let arm = arm
    await withTaskCancellationHandler {
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
    } onCancel: {
        // A later iteration, never inside `cancel()`: on the loop's thread the continuation is in place by then.
        loop.addCallback { waiter.cancel() }
    }
    switch waiter.wake {
    case .ready: return
    case .cancelled: throw CancellationError()
    case .timedOut: throw TimeoutError()
    case .loopClosed: throw LoopError.closed
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
