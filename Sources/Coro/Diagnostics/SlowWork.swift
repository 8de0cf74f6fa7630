// The report of work that kept a loop from everything else for too long.

/// One piece of work took longer than `reportSlow(over:)` allows.
public struct SlowWork: Error, Sendable, CustomStringConvertible {
    /// What took so long, and where it comes from.
    public let work: LoopWork
    /// How long it took, by the loop's clock.
    public let duration: Duration
    /// The limit it was over.
    public let limit: Duration

    public var description: String { "it took \(duration.brief), and the limit is \(limit.brief)" }
}

extension EventLoop {
    /// Reports each callback, job, timer and readiness handler that takes longer than `limit`; nil reports none.
    ///
    /// The report goes to `Report`'s sink, with the time it took and, where it is known, the place it comes from: callbacks
    /// and timers say where they were added from now on. Counts from the next iteration on; may be called from any
    /// thread. `CORO_DEBUG=slow=20ms` does it for every loop of the process.
    public func reportSlow(over limit: Duration?) {
        observation.change(on: self) { $0.slowLimit = limit?.clampedNanoseconds }
    }
}
