// What locks, queues and channels refuse.

/// Why a lock, queue or channel did not do what it was asked.
public enum SyncError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The queue or channel takes nothing more, because it was closed.
    case closed
    /// A permit was given back that nobody had: a lock released that was not locked, or a bounded semaphore released
    /// more often than acquired.
    case notAcquired
    /// `taskDone` was called more often than elements were put.
    case noUnfinishedTask
    /// What answers at once belongs to a loop and was asked from another thread, or while the loop does not run.
    case wrongThread
    /// A channel had to wait, and its caller runs on no loop.
    case noLoop

    public var description: String {
        switch self {
        case .closed: "It is closed and takes nothing more."
        case .notAcquired: "It was released more often than acquired. Use withLock or withPermit, which cannot be."
        case .noUnfinishedTask: "taskDone was called more often than elements were put."
        case .wrongThread:
            "It belongs to an event loop, which answers at once only on its own thread. Await instead, or spawn there."
        case .noLoop: "This code runs on no event loop, where it could wait. Spawn it on one, or name one with `on:`."
        }
    }
}
