// Permits, handed from task to task. `Lock` and `BoundedSemaphore` are the same with a rule of their own.
//
// A permit that is given back while somebody waits goes to him directly and is never free in between. So when one is
// free nobody waits, and a newcomer who finds one overtakes nobody.

internal import Synchronization

/// A number of permits; whoever finds none waits for one, first come, first served.
///
/// ```swift
/// let connections = Semaphore(on: loop, permits: 10)
/// try await connections.withPermit { try await fetch(url) }
/// ```
///
/// - Runs on: its loop. `acquire` and `withPermit` may be awaited on any thread; `release` from another thread is sent to
///   the loop. After the loop's close waiting throws.
public final class Semaphore: Sendable {
    let waiters: WaitQueue
    /// Written on the loop's thread only, so that it needs no read-modify-write; atomic, so that others may look.
    private let free: Atomic<Int>
    /// More than this are never free.
    private let limit: Int

    /// Makes a semaphore with this many free permits, zero or more. More may come by `release()`.
    public convenience init(on loop: EventLoop, permits: Int) { self.init(on: loop, permits: permits, limit: .max) }

    init(on loop: EventLoop, permits: Int, limit: Int) {
        precondition(permits >= 0, "A semaphore cannot have a negative number of permits.")
        waiters = WaitQueue(on: loop)
        free = Atomic(permits)
        self.limit = limit
    }

    /// The loop it belongs to.
    public var loop: EventLoop { waiters.loop }

    /// How many permits are free. On another thread: how many there were a moment ago.
    public var available: Int { free.load(ordering: .relaxed) }

    /// Takes a permit; suspends only when there is none.
    ///
    /// - Throws: `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed`. No permit was taken then.
    public func acquire() async throws {
        if takeNow() { return }
        try await wait()
    }

    /// Takes a permit if one is free; false when none is.
    ///
    /// - Throws: `SyncError.wrongThread` off the loop.
    public func tryAcquire() throws(SyncError) -> Bool {
        guard loop.isCurrent else { throw .wrongThread }
        return take()
    }

    /// Gives a permit back, or adds one: to the task that has waited longest, or to be free.
    public func release() {
        // Without a limit nothing can be wrong.
        try? giveBack()
    }

    /// Runs `body` with a permit, and gives it back however `body` ends.
    ///
    /// - Throws: what `acquire` and `body` throw.
    public func withPermit<Result>(_ body: () async throws -> Result) async throws -> Result {
        if !takeNow() { try await wait() }
        defer { release() }
        return try await body()
    }

    // MARK: For locks as well

    /// The fast path: true when the caller is on the loop and has a permit now.
    @inline(__always)
    func takeNow() -> Bool { loop.isCurrent && take() }

    func wait() async throws {
        try await waiters.wait(at: Place(on: loop)) { self.take() }
    }

    /// Loop's thread.
    @inline(__always)
    private func take() -> Bool {
        let count = free.load(ordering: .relaxed)
        guard count > 0 else { return false }
        free.store(count - 1, ordering: .relaxed)
        return true
    }

    /// Gives a permit back, unless as many are free as there may be. Any thread; from another one than the loop's, the
    /// failure is reported there.
    func giveBack() throws(SyncError) {
        guard loop.isCurrent else {
            loop.addCallback { try self.giveBack() }
            return
        }
        let count = free.load(ordering: .relaxed)
        guard count < limit else { throw .notAcquired }
        if let place = waiters.takeFirst() { place.wake() } else { free.store(count + 1, ordering: .relaxed) }
    }
}
