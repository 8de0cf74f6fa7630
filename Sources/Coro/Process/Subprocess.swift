// A child process and what one may ask of it. How it is started is in `Command`, what is known of it in
// `ProcessDescriptor`; who ends it is in `RunProcess`.

internal import Glibc

/// A process that this one has started.
///
///     let sort = try Subprocess("sort", on: loop, input: .pipe, output: .pipe)
///
/// Prefer `loop.run` and `loop.withSubprocess`, which see to its end. A `Subprocess` that is dropped while it runs runs on:
/// its pipes are closed, and the loop reaps it when it ends, so that no zombie is left. So does a closing loop, by a thread.
///
/// - Runs on: its loop's thread; `send`, `status` and `id` anywhere.
public final class Subprocess: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): all constant; `child` is touched on the loop's thread, its `process` is Sendable.

    private let child: Child
    /// The loop that waits for its end.
    public let loop: EventLoop
    /// What it reads; nil unless asked for with `input: .pipe`.
    public let standardInput: PipeWriter?
    /// What it writes; nil unless asked for with `output: .pipe`.
    public let standardOutput: PipeReader?
    /// What it complains; nil unless asked for with `error: .pipe`.
    public let standardError: PipeReader?

    /// Starts a program.
    ///
    /// In the child no descriptor is open but the three, no signal is blocked, and all have their default dispositions.
    /// Blocks for the time of a vfork(2) and an execve(2), some hundred microseconds.
    ///
    /// - Throws: `IOError` with the path when the program could not be started: ENOENT for one that is not there, EACCES for
    ///   one that may not be run, `chdir` and its errno for the directory; EMFILE; EINVAL for a NUL in a text; ENOSYS
    ///   before Linux 5.9. `StreamError.wrongThread` off the loop's thread, `LoopError.closed`.
    public init(
        _ command: Command, on loop: EventLoop, input: Input = .null, output: Output = .inherited,
        error: Output = .inherited
    ) throws {
        guard !loop.isClosed else { throw LoopError.closed }
        guard loop.isCurrent else { throw StreamError.wrongThread }
        let streams = try StandardStreams(input, output, error, on: loop)
        let process = try withExtendedLifetime(streams) { try command.start(streams.descriptors) }
        do {
            child = try Child(process, on: loop)
        } catch {
            // The kernel has no memory for the registration: nobody would hear of its end.
            _ = try? process.send(SIGKILL)
            process.reapInBackground()
            throw error
        }
        self.loop = loop
        standardInput = streams.input
        standardOutput = streams.output
        standardError = streams.error
    }

    /// Its process number. It is another's once this one has ended and been reaped; `send` knows that.
    public var id: Int32 { child.process.id }

    /// How it ended; nil while it runs. Any thread.
    public var status: ExitStatus? {
        // Whoever reaps first keeps the end for the others, and the pidfd stays readable: the loop still hears of it.
        if case .ended(let status) = child.process.reap() { status } else { nil }
    }

    /// Suspends until the process has ended, and says how. May be asked any number of times.
    ///
    /// Cancelling the wait leaves the process running.
    ///
    /// - Throws: `IOError` ECHILD when another part of the program has reaped it, or the program ignores SIGCHLD, and its
    ///   status is lost; `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func wait() async throws -> ExitStatus { try await child.end.value }

    /// Sends it a signal, and to all of its group if it was started with one of its own. Any thread.
    ///
    /// - Returns: false when it has ended: the signal never reaches another process that has its number by now.
    /// - Throws: `IOError` EPERM when it has changed its user, EINVAL for a number that is no signal.
    @discardableResult
    public func send(signal: Int32) throws(IOError) -> Bool { try child.process.send(signal) }

    /// Ends the process: asks with SIGTERM, and after `grace` kills with SIGKILL. Returns when it has ended and been reaped.
    ///
    /// Heeds no cancellation and no deadline: this is what one does because of them. On a closing loop there is no grace.
    public func terminate(grace: Duration = .seconds(5)) async {
        guard status == nil else { return }
        _ = try? send(signal: SIGTERM)
        _ = try? await loop.shielded(for: grace) { try await wait() }
        guard status == nil else { return }
        _ = try? send(signal: SIGKILL)
        let shield = CancelScope(loop: loop, parent: CancelScope.current, isShield: true)
        _ = try? await CancelScope.$current.withValue(shield) { try await wait() }
    }
}
