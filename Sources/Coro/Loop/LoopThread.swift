// A loop and the thread that runs it, as one thing to start and to stop.

internal import Glibc

/// An event loop on a thread of its own.
///
///     let worker = try LoopThread(name: "worker")
///     let answer = try await worker.loop.spawn { … }.value
///     try worker.stop()
///
/// Its loop runs from the start. Futures and tasks may be awaited, completed and cancelled from loop to loop; what belongs
/// to the loop's thread (descriptors, say) is set up by code that is spawned there.
///
/// Keep it for as long as its loop is needed: dropping it stops the loop, without waiting for the thread.
public final class LoopThread: Sendable {
    /// The loop that the thread runs.
    public let loop: EventLoop
    private let thread: pthread_t
    private let isJoined = Locked(false)

    /// Starts a thread that runs a new loop until `stop()`, or until `loop.stop()`, and then closes it.
    ///
    /// - Parameters:
    ///   - name: what the system calls the thread, in 15 bytes.
    ///   - clock: what the loop's timers go by.
    /// - Throws: `IOError` EMFILE without a descriptor left, EAGAIN without a thread left.
    public init(name: String = "coro-loop", clock: any LoopClock = MonotonicClock()) throws(IOError) {
        let loop = try EventLoop(clock: clock)
        self.loop = loop
        thread = try SystemThread.start(named: name) {
            do {
                try loop.run()
                try loop.close()
            } catch {
                // Somebody ran or closed the loop elsewhere.
                Report.failure("The loop of a thread ended", error)
            }
        }
    }

    deinit {
        guard !isJoined.withLock({ $0 }) else { return }
        // Not joined here: the last reference may go anywhere, on this very thread too.
        pthread_detach(thread)
        loop.stop()
    }

    /// Ends the loop and waits for its thread: when it returns, the loop is closed, its sleepers were woken, and their
    /// clean-up has run.
    ///
    /// Blocks the calling thread; in async code say `try await loop.runBlocking { try worker.stop() }`. A second call
    /// does nothing. May be called from any thread but its own.
    ///
    /// - Throws: `LoopError.ownThread` on the loop's own thread, which cannot wait for its own end.
    public func stop() throws(LoopError) {
        // (Not by comparing the threads' ids: of a thread that has been joined, the next one may have the same.)
        guard !loop.isCurrent else { throw .ownThread }
        loop.stop()
        // Under the lock: a second caller returns when the thread has ended, too.
        isJoined.withLock { isJoined in
            guard !isJoined else { return }
            pthread_join(thread, nil)
            isJoined = true
        }
    }
}
