// Mutual exclusion across awaits. Between two awaits a task of the loop is alone anyway and needs no lock.

/// A lock that one task holds at a time; the others wait, first come, first served.
///
/// ```swift
/// try await lock.withLock { try await file.append(line) }
/// ```
///
/// Strictly in order: when it is released while tasks wait, the first of them has it from that moment, and no newcomer
/// comes in between. It does not know who holds it: a task that asks again for what it holds waits for ever.
///
/// - Runs on: its loop. `acquire` and `withLock` may be awaited on any thread. After the loop's close waiting throws.
public final class Lock: Sendable {
    let semaphore: Semaphore

    /// Makes a lock that nobody holds.
    public init(on loop: EventLoop) { semaphore = Semaphore(on: loop, permits: 1, limit: 1) }

    /// The loop it belongs to.
    public var loop: EventLoop { semaphore.loop }

    /// Whether somebody holds it. On another thread: whether somebody did a moment ago.
    public var isLocked: Bool { semaphore.available == 0 }

    /// Runs `body` while holding the lock, and releases it however `body` ends. Without contention it does not suspend.
    ///
    /// - Throws: what `acquire` and `body` throw.
    public func withLock<Result>(_ body: () async throws -> Result) async throws -> Result {
        if !semaphore.takeNow() { try await semaphore.wait() }
        defer { semaphore.release() }
        return try await body()
    }

    /// Takes the lock; suspends only when somebody holds it. Whoever takes it owes a `release()`; `withLock` keeps
    /// that promise by itself.
    ///
    /// - Throws: `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed`. The lock is not taken then.
    public func acquire() async throws { try await semaphore.acquire() }

    /// Takes the lock if nobody holds it; false when somebody does.
    ///
    /// - Throws: `SyncError.wrongThread` off the loop.
    public func tryAcquire() throws(SyncError) -> Bool { try semaphore.tryAcquire() }

    /// Gives the lock to the task that has waited longest, or frees it.
    ///
    /// From another thread it is sent to the loop, and a failure is reported there.
    ///
    /// - Throws: `SyncError.notAcquired` when nobody holds it.
    public func release() throws(SyncError) { try semaphore.giveBack() }
}
