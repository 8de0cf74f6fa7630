// The semaphore for a resource there is a fixed number of: giving back more than was taken is a mistake, and said so.

/// A semaphore whose permits never become more than at its making.
///
/// - Runs on: its loop, as `Semaphore` does.
public final class BoundedSemaphore: Sendable {
    let semaphore: Semaphore

    /// Makes a semaphore with this many permits, all free.
    public init(on loop: EventLoop, permits: Int) {
        semaphore = Semaphore(on: loop, permits: permits, limit: permits)
    }

    /// The loop it belongs to.
    public var loop: EventLoop { semaphore.loop }

    /// How many permits are free. On another thread: how many there were a moment ago.
    public var available: Int { semaphore.available }

    /// Takes a permit; suspends only when there is none.
    ///
    /// - Throws: `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed`. No permit was taken then.
    public func acquire() async throws { try await semaphore.acquire() }

    /// Takes a permit if one is free; false when none is.
    ///
    /// - Throws: `SyncError.wrongThread` off the loop.
    public func tryAcquire() throws(SyncError) -> Bool { try semaphore.tryAcquire() }

    /// Gives a permit back: to the task that has waited longest, or to be free.
    ///
    /// From another thread it is sent to the loop, and a failure is reported there.
    ///
    /// - Throws: `SyncError.notAcquired` when all permits are free already.
    public func release() throws(SyncError) { try semaphore.giveBack() }

    /// Runs `body` with a permit, and gives it back however `body` ends.
    ///
    /// - Throws: what `acquire` and `body` throw.
    public func withPermit<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await semaphore.withPermit(body)
    }
}
