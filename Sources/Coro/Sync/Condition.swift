// A signal between tasks that does not stay: it wakes those who wait, and whoever comes later waits for the next.
//
// It has no lock beside it, unlike a thread's condition variable: tasks of one loop run one at a time, so nothing changes
// between looking at the state and waiting for it to change.

/// A place where tasks wait to be told that something has changed.
///
/// ```swift
/// while !isReady { try await changed.wait() }
/// ```
///
/// - Runs on: its loop. Waiting may be awaited on any thread; `notify` from another thread is sent to the loop. After the
///   loop's close notifying does nothing and waiting throws.
public final class Condition: Sendable {
    let waiters: WaitQueue

    /// Makes a condition.
    public init(on loop: EventLoop) { waiters = WaitQueue(on: loop) }

    /// The loop it belongs to.
    public var loop: EventLoop { waiters.loop }

    /// Suspends until notified.
    ///
    /// - Throws: `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed`.
    public func wait() async throws {
        try await waiters.wait(at: Place(on: loop)) { false }
    }

    /// Suspends until notified, or for `timeout` at most; false when that was over first.
    ///
    /// For those who look at their state every so often anyway. A timeout of zero or less is over at once.
    ///
    /// - Throws: `CancellationError`; `LoopError.closed`; `TimeoutError` when a deadline around the call came first.
    public func wait(timeout: Duration) async throws -> Bool {
        let deadline = loop.now.advanced(by: timeout)
        do {
            try await waiters.wait(at: Place(on: loop), until: deadline) { false }
            return true
        } catch let error as TimeoutError {
            if let outer = Deadline.current, outer <= deadline { throw error }
            return false
        }
    }

    /// Wakes the `count` tasks that have waited longest, or all there are. Whoever has timed out or was cancelled does not
    /// count.
    public func notify(_ count: Int = 1) {
        precondition(count >= 0, "Condition.notify was given a negative count.")
        waiters.onLoop { self.waiters.wake(count) }
    }

    /// Wakes all who wait now, in the order they came.
    public func notifyAll() {
        waiters.onLoop { self.waiters.wakeAll() }
    }
}
