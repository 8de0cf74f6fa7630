// The end of a loop. Nothing that waits is left hanging: who sleeps is woken and cleans up, and what the loop has accepted
// runs, before the descriptors go.

internal import Synchronization

extension EventLoop {
    /// True once `close()` has been called.
    public var isClosed: Bool { phase.load(ordering: .acquiring) >= Phase.closing.rawValue }

    /// Ends the loop: wakes every sleeping task and coroutine with `LoopError.closed` so that its clean-up runs, runs the
    /// callbacks it has accepted, drops timers, and closes the descriptors it owns.
    ///
    /// Call it after `run()` has returned. A second call does nothing.
    ///
    /// - Throws: `LoopError.alreadyRunning` while the loop runs; stop it first.
    public func close() throws(LoopError) {
        if isClosed { return }
        try enter()
        phase.store(Phase.closing.rawValue, ordering: .releasing)
        endEverything()
        // From here on nothing comes in any more; what was accepted before still runs, here.
        inbox.close(into: &ready, jobRunner: asUnownedTaskExecutor())
        endEverything()
        tasksAlive.removeAll()
        poller.close()
        leave(to: .closed)
        inbox.beginAfterlife()
    }

    /// Wakes, abandons and drops all there is, until nothing is ready any more.
    ///
    /// Clean-up may sleep again (it is woken in the next round), close streams, or start more work; it is given a
    /// bounded number of rounds so that a task that never ends cannot keep `close()` from ending.
    private func endEverything() {
        for _ in 0..<1_000 {
            suspended.wakeAll()
            for registration in poller.takeAll() { registration.abandon() }
            endAll()
            endings.renew()
            // Moved out before they are let go of: what a callback holds may use the loop in its `deinit`, and the
            // queue it came from must not be in the middle of a change then. The same below.
            for timer in timers.takeAll() { timer.letGo() }
            if inbox.hasWork { inbox.drain(into: &ready) }
            if ready.isEmpty, endings.isEmpty { return }
            runReady()
        }
        for _ in 0..<1_000 {
            for _ in 0..<ready.count { _ = ready.removeFirst() }
        }
    }

    /// A loop that is closed from the start, for the futures of those who have none. What waits there fails at once.
    static let nowhere: EventLoop = {
        guard let loop = try? EventLoop() else {
            preconditionFailure(
                "No loop runs on this thread, and the process has no descriptor left to say so in a future.")
        }
        try? loop.close()
        return loop
    }()
}
