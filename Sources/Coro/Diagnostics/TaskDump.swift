// The tree of tasks on a signal, as a JVM prints its threads on SIGQUIT: to ask a program that hangs who hangs where.

internal import CLoop
internal import Glibc

extension EventLoop {
    /// Writes the tree of this loop's tasks to standard error whenever the process is sent one of `signals`, say
    /// SIGQUIT (Ctrl-\) and SIGUSR1, and goes on.
    ///
    /// Call it on the thread that will run the loop, before other threads are started: the signals are blocked for the
    /// thread that calls and those started after, and a thread that does not block one dies of it as ever. Holds until the
    /// loop is closed. A loop that is blocked cannot answer; `watch(blockedFor:)` tells of those.
    /// `CORO_DEBUG=tasks` does it for the first loop that runs.
    ///
    /// - Throws: `IOError` EINVAL for a number that is no signal, EMFILE, EBADF when the loop is closed.
    public func dumpTasks(on signals: [Int32]) throws(IOError) {
        try dumpTasks(on: signals, writing: StandardError.write)
    }

    func dumpTasks(on signals: [Int32], writing write: @escaping (String) -> Void) throws(IOError) {
        let descriptor = try IOError.check(cloop_signals_open(signals, Int32(signals.count)), "signalfd")
        try adopt(TaskDump(descriptor, write), interest: Interest.taking)
    }
}

/// A signalfd whose every signal is answered with a dump. No task reads it, so it is not in the dump.
private final class TaskDump: Registration {
    let descriptor: Int32
    private let write: (String) -> Void

    init(_ descriptor: Int32, _ write: @escaping (String) -> Void) {
        self.descriptor = descriptor
        self.write = write
    }

    func deliver(_ readiness: Readiness) {
        // Edge-triggered: taken until there is none.
        while cloop_signals_take(descriptor) > 0 {
            // Whoever delivers runs. (So it need not be remembered, by a reference that could outlive it.)
            guard let loop = EventLoop.current else { continue }
            write("coro: \(loop.statisticsNow)\ncoro: \(TaskTree(loop.tasksNow))")
        }
    }

    func abandon() { Descriptor.close(descriptor) }
}
