import Coro
import CoroTesting
import Glibc
import Testing

/// Processes that are ended, forgotten or outlived: no zombie, ever.
@Suite struct ProcessEndTests {
    @Test func `cancelling the task that runs a process ends and reaps it before the task ends`() async throws {
        try await withLoop { loop async throws in
            let started = loop.promise(of: Int32.self)
            let task = loop.spawn {
                try await loop.withSubprocess("cat", input: .pipe) { process in
                    started.trySucceed(process.id)
                    _ = try await process.wait()
                }
            }
            let id = try await started.future.value
            #expect(isChild(id))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(!isChild(id))
        }
    }

    @Test func `a deadline ends a run, and the process with it`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let run = loop.spawn { try await loop.withTimeout(.seconds(3)) { try await loop.run("sleep", "1000") } }
            try await clock.advance(by: .seconds(2))
            #expect(!run.future.isDone)
            try await clock.advance(by: .seconds(1))
            await #expect(throws: TimeoutError.self) { try await run.value }
        }
    }

    @Test func `a process that ignores SIGTERM is killed when its grace is over`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let process = try Subprocess(
                .init("sh", "-c", "trap '' TERM; echo ready; read line"), on: loop, input: .pipe, output: .pipe)
            _ = try await process.standardOutput?.read(until: UInt8(ascii: "\n"))
            let end = loop.spawn { await process.terminate(grace: .seconds(5)) }
            try await clock.advance(by: .seconds(4))
            #expect(process.status == nil)
            try await clock.advance(by: .seconds(1))
            try await end.value
            #expect(process.status == .signalled(SIGKILL))
        }
    }

    @Test func `a body that returns or throws early ends its process`() async throws {
        try await withLoop { loop async throws in
            let id = try await loop.withSubprocess(.init("sleep", "1000")) { $0.id }
            #expect(!isChild(id))
            await #expect(throws: Oops("early")) {
                try await loop.withSubprocess(.init("sleep", "1000")) { _ in throw Oops("early") }
            }
        }
    }

    @Test func `a run that writes more than its limit is ended`() async throws {
        try await withLoop { loop async throws in
            await #expect(throws: StreamError.limitExceeded(limit: 1_000)) {
                try await loop.run("yes", limit: 1_000, requiresSuccess: false)
            }
        }
    }

    @Test func `cancelling a wait leaves the process running`() async throws {
        try await withLoop { loop async throws in
            let process = try Subprocess("cat", on: loop, input: .pipe)
            let wait = loop.spawn { try await process.wait() }
            try await loop.moment()
            wait.cancel()
            await #expect(throws: CancellationError.self) { try await wait.value }
            #expect(process.status == nil)
            process.standardInput?.close()
            #expect(try await process.wait() == .exited(0))
        }
    }

    @Test func `a process that is dropped runs on, and is reaped by the loop`() async throws {
        try await withLoop { loop async throws in
            let pair = SocketPair()
            _ = fcntl(pair.right, F_SETFL, 0)
            var process: Subprocess? = try Subprocess("cat", on: loop, input: .descriptor(pair.right))
            let id = try #require(process?.id)
            process = nil
            try await loop.moment()
            #expect(isChild(id))
            shutdown(pair.left, Int32(SHUT_WR))
            while isChild(id) { try await loop.moment() }
        }
    }

    @Test func `dropping a process closes its pipes, so that a reader of them ends`() async throws {
        try await withLoop { loop async throws in
            let id = try Subprocess("cat", on: loop, input: .pipe, output: .pipe).id
            while isChild(id) { try await loop.moment() }
        }
    }

    @Test func `a closed loop ends what it runs, and leaves no zombie`() async throws {
        let loop = try EventLoop()
        let ids = Journal<Int32>()
        let task = loop.spawn {
            try await loop.withSubprocess("cat", input: .pipe) { process in
                ids.note(process.id)
                _ = try await process.wait()
            }
        }
        try loop.runSync { while ids.entries.isEmpty { try await loop.moment() } }
        try loop.close()
        await #expect(throws: LoopError.closed) { try await task.value }
        // By a thread of its own: the loop is no more.
        while isChild(ids.entries[0]) { sched_yield() }
    }

    @Test func `many at once all end, each with its own output`() async throws {
        try await withLoop { loop async throws in
            let runs = (0..<8).map { number in loop.spawn { try await loop.run("echo", "\(number)").text } }
            for (number, run) in runs.enumerated() { #expect(try await run.value == "\(number)\n") }
        }
    }

    /// True while this process has the child, running or a zombie.
    private func isChild(_ id: Int32) -> Bool {
        var info = siginfo_t()
        // WNOWAIT: only looked at, so that who is to reap it still can.
        return waitid(P_PID, id_t(id), &info, WEXITED | WNOHANG | WNOWAIT) == 0
    }
}
