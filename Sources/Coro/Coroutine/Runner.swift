// Drives one generator to its end: the seeds' Runner.
//
// Who holds whom: the future a runner waits for holds, through its observer, the runner; the runner holds the
// generator and the promise of the result. The result's future holds the runner only through its cancel action, and
// lets go of it when it is done. While the body waits, the runner and the future it waits for hold each other, so a
// suspended coroutine lives though nobody else knows it; the loop has it on its list, and one of three things ends the
// wait: the future is done (an abandoned one fails), the coroutine is cancelled, the loop closes.

/// Runs a generator of futures: resumes the body at once when the yielded future is done, otherwise when it is.
final class Runner<Returned: Sendable>: Suspended, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.

    private let loop: EventLoop
    private let generator: Generator<AnyFuture, Void, Returned>
    private let promise: Promise<Returned>
    /// What the body waits for, so that cancelling reaches it.
    private var waitingFor: AnyFuture?
    private var isRunning = false
    /// Set once the body is to end: thrown at its present yield and at every one after.
    private var ending: (any Error)?

    /// Starts a body: it runs to its first real wait inside this call, and if it never waits there is no runner at all.
    static func start(
        on loop: EventLoop, promise: Promise<Returned>, _ generator: Generator<AnyFuture, Void, Returned>
    ) {
        do {
            var progress = try generator.resume(.success(()))
            while case .yielded(let future) = progress, future.isDone { progress = try generator.resume(.success(())) }
            if case .returned(let value) = progress {
                promise.trySucceed(value)
            } else {
                Runner(loop: loop, generator: generator, promise: promise).drive { progress }
            }
        } catch {
            promise.tryFail(error)
        }
    }

    private init(loop: EventLoop, generator: Generator<AnyFuture, Void, Returned>, promise: Promise<Returned>) {
        self.loop = loop
        self.generator = generator
        self.promise = promise
        super.init()
        promise.future.onCancel { [weak self] in self?.cancel() }
    }

    /// Resumes the body at its yield.
    func run() {
        drive { try generator.resume(input) }
    }

    /// Runs the body until it yields something that is not done, or ends. A loop and no recursion, however many yields
    /// are done already; a call from within the body it runs does nothing.
    private func drive(_ firstStep: () throws -> Generator<AnyFuture, Void, Returned>.Progress) {
        guard !isRunning, !generator.isFinished else { return }
        isRunning = true
        defer { isRunning = false }
        do {
            var progress = try firstStep()
            while true {
                switch progress {
                case .returned(let value):
                    promise.trySucceed(value)
                    return
                case .yielded where ending != nil:
                    // A body that swallows its end and yields on gets one turn an iteration, so that it
                    // cannot keep the loop from everybody else.
                    _ = loop.add(.callback { self.run() })
                    return
                case .yielded(let future) where future.isDone:
                    progress = try generator.resume(input)
                case .yielded(let future):
                    return wait(for: future)
                case .awaiting:
                    return comeBack()
                }
            }
        } catch {
            // After a cancel the promise has its outcome, and the body's last word was its clean-up.
            promise.tryFail(error)
        }
    }

    /// What the next step brings into the body: nothing (the body reads its typed future itself), or its end.
    private var input: Result<Void, any Error> {
        ending.map { .failure($0) } ?? .success(())
    }

    private func wait(for future: AnyFuture) {
        waitingFor = future
        loop.suspended.insert(self)
        future.whenSettled(on: loop) { _ = self.stopWaiting() }
        if generator.hasChildren { serveChildren() }
    }

    /// Keeps the body's child tasks going while the body waits.
    private func serveChildren() {
        generator.whenAwaitReturns { [weak self, loop] in
            loop.addCallback { [weak self] in
                guard let self, self.waitingFor != nil else { return }
                self.generator.runChildren()
                if self.waitingFor != nil { self.serveChildren() }
            }
        }
    }

    /// Leaves the future that the body waits for and runs on in a later iteration, so that no user code runs inside
    /// the completing call. Returns what it waited for; nil when somebody else was first.
    private func stopWaiting() -> AnyFuture? {
        guard let future = waitingFor.take() else { return nil }
        loop.suspended.remove(self)
        _ = loop.add(.callback { self.run() })
        return future
    }

    /// The body awaits something native: goes on with it when that is over.
    private func comeBack() {
        generator.whenAwaitReturns { [self] in
            _ = loop.addCallback { self.drive { try self.generator.resumeAwaiting() } }
        }
    }

    /// Cancels what the body waits for and throws `CancellationError` at its yield.
    private func cancel() {
        ending = CancellationError()
        generator.cancelAwait()
        stopWaiting()?.cancel()
    }

    /// Throws `LoopError.closed` at the body's yield.
    override func loopCloses() {
        ending = LoopError.closed
        _ = stopWaiting()
    }
}
