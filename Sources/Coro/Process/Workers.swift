// One program in several processes, kept running: what Tornado does by fork(2), which a Swift process must not do, since the
// child would have one thread and the locks of all the others. Here each worker is started as a program, mostly this one again.

internal import Glibc

extension EventLoop {
    /// Runs `count` processes of one program side by side, and starts those anew that fail.
    ///
    /// ```swift
    /// if let number = Subprocess.workerNumber {
    ///     try await serve(on: listener, asWorker: number)  // Its listener says reusePort: true.
    /// } else {
    ///     try await loop.runWorkers(.init("/proc/self/exe"), count: 4)
    /// }
    /// ```
    ///
    /// Each is told its number, 0 to `count` - 1, by which it knows its share of the work (`Subprocess.workerNumber`). One that
    /// ends with anything but exit code 0 is reported and started again under the same number; one that ends with 0 has done
    /// its work. Their standard streams are this process's, but their input is empty.
    ///
    /// Returns when all have done their work. When this throws, or the task is cancelled, those that still run get SIGTERM, and
    /// SIGKILL after `grace`; all have been reaped then.
    ///
    /// - Parameters:
    ///   - restartsMax: how often workers are started again, all of them together.
    ///   - grace: between SIGTERM and SIGKILL for those that have to be ended.
    /// - Throws: `Subprocess.TooManyRestarts`; what starting a program throws (see `Subprocess.init`); `CancellationError`,
    ///   `TimeoutError`, `LoopError.closed`.
    public func runWorkers(
        _ command: Subprocess.Command, count: Int, restartsMax: Int = 100, grace: Duration = .seconds(5)
    ) async throws {
        precondition(count > 0, "There must be at least one worker; \(count) is none.")
        precondition(restartsMax >= 0, "Workers cannot be started again \(restartsMax) times.")
        let restarts = Locked(0)
        try await withScope { scope in
            for number in 0..<count {
                var command = command
                command.environment = command.environment ?? Subprocess.environment
                command.environment?[Subprocess.workerVariable] = "\(number)"
                scope.spawn(name: "worker \(number)") { [command] in
                    while true {
                        let status = try await self.withSubprocess(
                            command, output: .inherited, grace: grace
                        ) { try await $0.wait() }
                        if status.isSuccess { return }
                        let failure = Subprocess.Failure(program: command.program, status: status)
                        let mayRestart = restarts.withLock { restarts in
                            defer { restarts += 1 }
                            return restarts < restartsMax
                        }
                        guard mayRestart else {
                            throw Subprocess.TooManyRestarts(restarts: restartsMax, worker: number, last: failure)
                        }
                        Report.failure("Worker \(number) has failed and is started again", failure)
                    }
                }
            }
        }
    }
}

extension Subprocess {
    /// This process's number among the workers of `EventLoop.runWorkers`; nil in a process that is none.
    ///
    /// It is told by the environment variable `CORO_WORKER`, which programs that a worker starts inherit.
    public static var workerNumber: Int? { getenv(workerVariable).flatMap { Int(String(cString: $0)) } }

    static let workerVariable = "CORO_WORKER"

    /// Workers failed more often than they may.
    public struct TooManyRestarts: Error, Sendable, Equatable, CustomStringConvertible {
        /// How often one was started again.
        public let restarts: Int
        /// Which one failed after that.
        public let worker: Int
        /// How it ended.
        public let last: Failure

        public var description: String {
            "Worker \(worker) has failed, and workers were started again \(restarts) times already: \(last)"
        }
    }
}
