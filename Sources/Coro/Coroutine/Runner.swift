// Drives one coroutine to its end: the seeds' Runner.
//
// Who holds whom: the future a runner waits for holds, through its observer, the runner; the runner holds the channel,
// whose task holds the body and the promise of the result. That promise's future knows the runner only weakly, to cancel
// it. So a suspended coroutine lives though nobody else knows it; the loop has it on its list, and one of three things
// ends the wait: the future is done (an abandoned one fails), the coroutine is cancelled, the loop closes.

/// Runs a body that yields futures: resumes it at once when the yielded future is done, otherwise when it is.
final class Runner: Suspended, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.

    typealias Channel = GeneratorChannel<AnyFuture, Void>

    private let loop: EventLoop
    private let channel: Channel
    /// What the body waits for, so that cancelling reaches it.
    @exclusivity(unchecked) private var waitingFor: AnyFuture?

    init(loop: EventLoop, channel: Channel) {
        self.loop = loop
        self.channel = channel
        super.init()
        reason = "yielding"
        channel.runner = self
    }

    deinit {
        channel.runner = nil
        channel.closeAtDrop()
    }

    /// Begins a body: it runs to its first real wait inside this call, and if it never waits there is no runner at all.
    static func start(_ channel: Channel, on loop: EventLoop) -> Runner? {
        guard let progress = try? channel.step(.begin) else { return nil }
        if case .over = progress { return nil }
        let runner = Runner(loop: loop, channel: channel)
        runner.drive(progress)
        return runner
    }

    /// Begins a body whose start was put off: cancelled meanwhile, it does not begin at all.
    func begin() {
        guard channel.ending == nil else { return channel.close() }
        guard let level = Trampoline.descend() else { return Trampoline.put(aside: { self.begin() }) }
        defer { level.ascend() }
        if let progress = try? channel.step(.begin) { drive(progress) }
    }

    /// Resumes the body at its yield. In an iteration of its own.
    private func run() {
        guard let level = Trampoline.descend() else { return Trampoline.put(aside: { self.run() }) }
        defer { level.ascend() }
        if let progress = try? channel.step(input) { drive(progress) }
    }

    /// Goes on until the body yields something that is not done, or ends. A loop and no recursion, however many yields
    /// are done already.
    private func drive(_ firstProgress: GeneratorProgress<AnyFuture>) {
        var progress = firstProgress
        while true {
            switch progress {
            case .over:
                return
            case .yielded where channel.ending != nil:
                // A body that swallows its end and yields on gets one turn an iteration, so that it
                // cannot keep the loop from everybody else.
                _ = loop.add(.callback { self.run() })
                return
            case .yielded(let future) where future.isDone:
                guard let next = try? channel.step(input) else { return }
                progress = next
            case .yielded(let future):
                return wait(for: future)
            case .awaiting:
                // `jobsCame` tells when the body comes back.
                channel.heldRunner = self
                return
            }
        }
    }

    /// What the next step brings into the body: nothing (the body reads its typed future itself), or its end.
    private var input: GeneratorInput<Void> { channel.ending.map { .error($0) } ?? .value(()) }

    private func wait(for future: AnyFuture) {
        waitingFor = future
        place = future.origin
        since = loop.iterationTime
        loop.suspended.insert(self)
        future.whenSettled(on: loop) { self.stopWaiting() }
    }

    /// Leaves the future that the body waits for and runs on in a later iteration, so that no user code runs inside
    /// the completing call. Does nothing when somebody else was first.
    private func stopWaiting() {
        guard waitingFor != nil else { return }
        waitingFor = nil
        loop.suspended.remove(self)
        _ = loop.add(.callback { self.run() })
    }

    /// The body came back from a native `await`, or one of its child tasks did while it is at a yield.
    func jobsCame() {
        guard let level = Trampoline.descend() else { return Trampoline.put(aside: { self.jobsCame() }) }
        defer { level.ascend() }
        guard let progress = channel.stepJobs() else { return }
        channel.heldRunner = nil
        drive(progress)
    }

    /// Cancels what the body waits for and throws `CancellationError` at its yield.
    func cancel() {
        channel.ending = CancellationError()
        channel.cancelAwait()
        guard let future = waitingFor else { return }
        stopWaiting()
        // That future may be a coroutine's, which waits for a coroutine …
        if let level = Trampoline.descend() {
            future.cancel()
            level.ascend()
        } else {
            Trampoline.put(aside: { future.cancel() })
        }
    }

    /// Throws `LoopError.closed` at the body's yield.
    override func loopCloses() {
        channel.ending = LoopError.closed
        stopWaiting()
    }
}
