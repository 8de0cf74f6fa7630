// A signal between tasks that stays: whoever comes after it was given does not wait.

internal import Synchronization

/// A flag that tasks wait for.
///
/// - Runs on: its loop. `wait()` may be awaited on any thread; `set` and `clear` from another thread, or before the loop
///   runs, are sent to it, in order. After the loop's close they do nothing and waiting throws.
public final class Event: Sendable {
    private let flag = Atomic<Bool>(false)
    let waiters: WaitQueue

    /// Makes an event that is not set.
    public init(on loop: EventLoop) { waiters = WaitQueue(on: loop) }

    /// The loop it belongs to.
    public var loop: EventLoop { waiters.loop }

    /// Whether it is set. Any thread.
    public var isSet: Bool { flag.load(ordering: .acquiring) }

    /// Sets the flag and wakes all who wait, in the order they came. They are woken for good: a `clear()` right after
    /// does not hold them back.
    public func set() {
        waiters.onLoop {
            self.flag.store(true, ordering: .releasing)
            self.waiters.wakeAll()
        }
    }

    /// Takes the flag back: whoever comes from now on waits.
    public func clear() {
        waiters.onLoop { self.flag.store(false, ordering: .releasing) }
    }

    /// Suspends until the event is set; does not when it is.
    ///
    /// - Throws: `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed`.
    public func wait() async throws {
        if isSet { return }
        try await waiters.wait(at: Place(on: loop)) { self.isSet }
    }
}
