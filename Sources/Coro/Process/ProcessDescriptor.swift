// A child process as the kernel hands it out: a pidfd (pidfd_open(2)), by which a signal never reaches another process that
// has got the number since. It knows no loop, so that it can outlive one: a child is always reaped.

internal import CLoop
internal import Glibc

/// One child process, from its start until nobody asks for it any more. Any thread.
final class ProcessDescriptor: Sendable {
    /// The pidfd. Open for as long as this object lives, also after the end: signals then go nowhere.
    let descriptor: Int32
    let id: Int32
    private let leadsGroup: Bool
    private let end = Locked<End?>(nil)

    enum End: Sendable {
        case ended(Subprocess.ExitStatus)
        /// Somebody else has reaped the child (ECHILD).
        case lost(IOError)
    }

    init(_ descriptor: Int32, id: Int32, leadsGroup: Bool) {
        self.descriptor = descriptor
        self.id = id
        self.leadsGroup = leadsGroup
    }

    deinit { Descriptor.close(descriptor) }

    /// How the process ended; reaps it if it has. nil while it runs.
    func reap() -> End? {
        end.withLock { end in
            if end == nil { end = ask() }
            return end
        }
    }

    private func ask() -> End? {
        var number: Int32 = 0
        let result = cloop_process_reap(descriptor, &number)
        switch result {
        case CLOOP_PROCESS_RUNS: return nil
        case CLOOP_PROCESS_EXITED: return .ended(.exited(number))
        case CLOOP_PROCESS_SIGNALLED: return .ended(.signalled(number))
        default: return .lost(IOError(call: "waitid", code: -result))
        }
    }

    /// Sends a signal to the process, or to its group if it leads one; false when the process has ended.
    func send(_ signal: Int32) throws(IOError) -> Bool {
        // Under the lock the process is not reaped, so its number, and its group's, is not another's yet.
        let result = end.withLock { end -> Int32 in
            // A zombie takes every signal, and none does anything.
            if end == nil { end = ask() }
            guard end == nil else { return -ESRCH }
            guard leadsGroup else { return cloop_process_signal(descriptor, signal) }
            return kill(-id, signal) == 0 ? 0 : -errno
        }
        if result == -ESRCH { return false }
        try IOError.check(result, "pidfd_send_signal")
        return true
    }

    /// Has the process reaped by a thread that waits for nothing else. For when its loop is no more.
    func reapInBackground() {
        guard reap() == nil else { return }
        let thread = try? SystemThread.start(named: "coro-reaper") {
            var request = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            while self.reap() == nil { poll(&request, 1, -1) }
        }
        if let thread { pthread_detach(thread) }
    }
}

/// A child process on its loop, which holds it until the child has ended: dropping a `Subprocess` leaves no zombie.
final class Child: Registration {
    let process: ProcessDescriptor
    private let loop: EventLoop
    private let ended: Promise<Subprocess.ExitStatus>

    init(_ process: ProcessDescriptor, on loop: EventLoop) throws(IOError) {
        self.process = process
        self.loop = loop
        ended = Promise(on: loop)
        do throws(IOError) {
            try loop.poller.register(self, interest: Interest.taking)
        } catch {
            // Who asked hears of it; nobody has the future.
            ended.future.cancel()
            throw error
        }
    }

    /// Finishes when the process has been reaped.
    var end: Future<Subprocess.ExitStatus> { ended.future }

    var descriptor: Int32 { process.descriptor }

    /// A pidfd is readable once its process has ended (pidfd_open(2)).
    func deliver(_ readiness: Readiness) {
        guard let end = process.reap() else { return }
        loop.poller.unregister(self)
        switch end {
        case .ended(let status): ended.trySucceed(status)
        case .lost(let error): ended.tryFail(error)
        }
    }

    func abandon() {
        process.reapInBackground()
        ended.tryFail(LoopError.closed)
    }
}
