// What running, closing and using a loop can be refused with.

/// What the loop itself refuses.
public enum LoopError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `run` was called while this loop, or another one on the same thread, is running.
    case alreadyRunning
    /// The loop is closed; it takes no more work.
    case closed
    /// `stop()` ended `runSync` before its coroutine was done.
    case stoppedBeforeCompletion
    /// A loop's thread was asked to wait for its own end.
    case ownThread
    /// Something that runs on the current loop was asked for where no loop runs.
    case noLoop

    public var description: String {
        switch self {
        case .alreadyRunning:
            "This event loop is already running, or this thread already runs one. Await instead of running it again."
        case .closed: "The event loop is closed. Make a new one."
        case .stoppedBeforeCompletion: "The event loop was stopped before the coroutine completed."
        case .noLoop: "No loop runs on this thread. Write loop.coroutine { … } instead of coroutine { … } here."
        case .ownThread: "A loop's thread cannot wait for its own end. Call loop.stop() there, and stop() elsewhere."
        }
    }
}
