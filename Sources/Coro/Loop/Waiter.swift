// The one way a native task sleeps on a loop. Everything that waits, from `future.value` to a socket read, comes
// through `park`: it names who will wake the task, and the rest (cancel, deadline, closing loop) is the same for all.
//
// A waiter is woken exactly once. Whoever comes second finds no continuation and does nothing, so readiness, cancel
// and timeout may race as they like. And because waking only says "look again", nothing is consumed on the task's
// behalf while it sleeps: a cancelled wait has not happened.

/// Why a parked task runs again.
enum Wake: Sendable {
    case ready, cancelled, timedOut, loopClosed
}

/// One native task asleep.
final class Waiter: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): created by the task that parks, touched from then on by the loop's thread only,
    // and read again by the task after its continuation was resumed, which orders the two.

    fileprivate let loop: EventLoop
    fileprivate var continuation: UnsafeContinuation<Void, Never>?
    fileprivate(set) var wake = Wake.ready
    /// The deadline's timer, and what `arm` set up, both undone at the wake.
    private var timer: LoopTimer?
    private var undo: (() -> Void)?
    fileprivate var next: Waiter?
    fileprivate unowned(unsafe) var previous: Waiter?

    fileprivate init(loop: EventLoop) { self.loop = loop }

    /// Resumes the task; does nothing when it has been resumed. Loop's thread.
    func wake(_ reason: Wake) {
        guard let continuation = continuation.take() else { return }
        wake = reason
        timer?.cancel()
        timer = nil
        undo.take()?()
        loop.waiters.remove(self)
        continuation.resume()
    }

    /// Says what to undo at the wake, whatever its reason; undone at once when the waiter is awake already.
    func whenWoken(_ action: @escaping () -> Void) {
        if continuation == nil { action() } else { undo = action }
    }

    fileprivate func start(_ continuation: UnsafeContinuation<Void, Never>, deadline: LoopInstant?) {
        self.continuation = continuation
        loop.waiters.insert(self)
        guard !loop.isClosed else { return wake(.loopClosed) }
        if let deadline {
            timer = LoopTimer(loop: loop, deadline: deadline) { [unowned self] in self.wake(.timedOut) }
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
                let accepted = loop.addCallback {
                    waiter.start(continuation, deadline: deadline)
                    arm(waiter)
                }
                if !accepted {
                    waiter.fail(continuation)
                }
            }
        }
    } onCancel: {
        // A later iteration, never inside `cancel()`: by then the continuation is in place.
        loop.addCallback { waiter.wake(.cancelled) }
    }
    switch waiter.wake {
    case .ready: return
    case .cancelled: throw CancellationError()
    case .timedOut: throw TimeoutError()
    case .loopClosed: throw LoopError.closed
    }
}

extension Waiter {
    /// The loop was closed before the waiter could start.
    fileprivate func fail(_ continuation: UnsafeContinuation<Void, Never>) {
        wake = .loopClosed
        continuation.resume()
    }
}

/// Every waiter of one loop, so that closing it can wake them: a list through the waiters themselves.
struct WaiterList {
    private var first: Waiter?

    mutating func insert(_ waiter: Waiter) {
        waiter.next = first
        first?.previous = waiter
        first = waiter
    }

    mutating func remove(_ waiter: Waiter) {
        if let previous = waiter.previous {
            previous.next = waiter.next
        } else if first === waiter {
            first = waiter.next
        } else {
            return
        }
        waiter.next?.previous = waiter.previous
        waiter.next = nil
        waiter.previous = nil
    }

    func wakeAll(_ reason: Wake) {
        var waiter = first
        while let current = waiter {
            waiter = current.next
            current.wake(reason)
        }
    }
}
