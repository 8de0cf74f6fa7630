// Processes that end before the code that started them does: as for tasks in a scope, whatever way that code ends.

internal import Glibc

extension EventLoop {
    /// Runs a program to its end and returns what it wrote.
    ///
    ///     let listing = try await loop.run("/bin/ls", "-l").text
    ///
    /// Cancelling the task, or a deadline around it (`withTimeout`), ends the process: SIGTERM, SIGKILL five seconds
    /// later, and only then does this return. See `run(_ command:)`.
    public func run(
        _ program: String, _ arguments: String..., input: [UInt8] = [], limit: Int = 16 * 1024 * 1024,
        requiresSuccess: Bool = true
    ) async throws -> Subprocess.Completed {
        try await run(
            Subprocess.Command(program, arguments: arguments), input: input, limit: limit,
            requiresSuccess: requiresSuccess)
    }

    /// Runs a command to its end and returns what it wrote.
    ///
    /// It has ended when it has exited and nobody holds its outputs open any more: a program that it leaves behind in the
    /// background, with its outputs, is waited for.
    ///
    /// - Parameters:
    ///   - input: what it reads. A program that does not read it all is no failure.
    ///   - mergesErrors: sends its standard error where its standard output goes, in the order of writing.
    ///   - limit: bytes of its output, and of its errors. One that writes more is ended.
    ///   - grace: between SIGTERM and SIGKILL when it has to be ended.
    ///   - requiresSuccess: false to return also when it has failed.
    /// - Throws: `Subprocess.Failure` for any end but exit code 0; `StreamError.limitExceeded`; what starting it throws (see
    ///   `Subprocess.init`); `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func run(
        _ command: Subprocess.Command, input: [UInt8] = [], mergesErrors: Bool = false, limit: Int = 16 * 1024 * 1024,
        grace: Duration = .seconds(5), requiresSuccess: Bool = true
    ) async throws -> Subprocess.Completed {
        let completed = try await withSubprocess(
            command, input: input.isEmpty ? .null : .pipe, output: .pipe, error: mergesErrors ? .standardOutput : .pipe,
            grace: grace
        ) { process in
            // All at once, or each side could wait for the other with a full pipe.
            try await withScope { scope in
                let output = scope.spawn { try await process.standardOutput?.collect(upTo: limit) ?? [] }
                let errors = scope.spawn { try await process.standardError?.collect(upTo: limit) ?? [] }
                try await process.feed(input)
                return Subprocess.Completed(
                    status: try await process.wait(), output: try await output.value, errors: try await errors.value)
            }
        }
        if requiresSuccess, !completed.status.isSuccess {
            throw Subprocess.Failure(
                program: command.program, status: completed.status,
                complaint: String(decoding: completed.errors.suffix(1024), as: UTF8.self))
        }
        return completed
    }

    /// Starts a program, runs `body` with it, and ends it when `body` ends, whatever way: returned, thrown, cancelled.
    ///
    ///     try await loop.withSubprocess(.init("journalctl", "-f")) { process in
    ///         for try await line in process.standardOutput!.lines() { … }
    ///     }
    ///
    /// A process that still runs then gets SIGTERM, and SIGKILL after `grace`; it has been reaped when this returns. A body
    /// that wants it to come to its own end awaits `process.wait()`. Code that is cancelled already starts nothing.
    ///
    /// - Throws: what `body` throws; what starting it throws (see `Subprocess.init`); `CancellationError`.
    public func withSubprocess<Result>(
        _ command: Subprocess.Command, input: Subprocess.Input = .null, output: Subprocess.Output = .pipe,
        error: Subprocess.Output = .inherited, grace: Duration = .seconds(5),
        _ body: (Subprocess) async throws -> Result
    ) async throws -> Result {
        if CancelScope.isCancelled(in: CancelScope.current) { throw CancellationError() }
        let process = try Subprocess(command, on: self, input: input, output: output, error: error)
        do {
            let result = try await body(process)
            await process.terminate(grace: grace)
            return result
        } catch {
            await process.terminate(grace: grace)
            throw error
        }
    }
}

extension Subprocess {
    /// Writes all of its input and closes that. One that stops reading, as `head` does, has what it wants.
    fileprivate func feed(_ bytes: [UInt8]) async throws {
        guard let standardInput else { return }
        do {
            try await standardInput.write(bytes)
        } catch StreamError.broken(let error) where error.code == EPIPE {}
        standardInput.close()
    }
}
