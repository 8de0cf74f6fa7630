import CoroTesting
import Glibc
import Testing

@testable import Coro

/// One program in several processes, and what becomes of those that fail.
@Suite struct WorkersTests {
    /// A shell that keeps, in a folder that is gone at its end, a line for each time that a worker was started.
    private func withDiary(_ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/coro-workers-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let folder = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let diary = "\(folder)/diary"
        defer {
            unlink(diary)
            rmdir(folder)
        }
        try await body(diary)
    }

    /// By the way in which each test writes its path, reports are told apart.
    private func shell(_ path: String, _ script: String, _ diary: String) -> Subprocess.Command {
        Subprocess.Command(path, "-c", "echo $CORO_WORKER >>\"$0\"; \(script)", diary)
    }

    /// Which workers were started, and how often, by number.
    private func starts(_ diary: String, on loop: EventLoop) async throws -> [String] {
        String(decoding: try await loop.readFile(diary), as: UTF8.self).split(separator: "\n").map(String.init).sorted()
    }

    @Test func `case 67: workers that fail are started again with the same number, until all end well`() async throws {
        let recorder = ReportRecorder {
            ($0.error as? Subprocess.Failure)?.program == "/bin/./sh"
        }
        try await withLoop { loop async throws in
            try await withDiary { diary in
                // Worker 0 fails twice, worker 1 is killed once, worker 2 ends well at once.
                let script = """
                    times=$(grep -c "^$CORO_WORKER$" "$0")
                    case $CORO_WORKER.$times in 0.1 | 0.2) exit 3 ;; 1.1) kill -KILL $$ ;; *) exit 0 ;; esac
                    """
                try await loop.runWorkers(shell("/bin/./sh", script, diary), count: 3)
                #expect(try await starts(diary, on: loop) == ["0", "0", "0", "1", "1", "2"])
            }
        }
        let told = recorder.failures.map { "\($0.summary): \($0.error)" }.sorted()
        let twice = "Worker 0 has failed and is started again: /bin/./sh did not succeed: exit code 3"
        let killed = "Worker 1 has failed and is started again: /bin/./sh did not succeed: killed by signal 9"
        #expect(told == [twice, twice, killed])
    }

    @Test func `case 67: restarts have a limit, and when it is reached the others are ended`() async throws {
        let recorder = ReportRecorder {
            ($0.error as? Subprocess.Failure)?.program == "/bin/././sh"
        }
        try await withLoop { loop async throws in
            try await withDiary { diary in
                let command = shell("/bin/././sh", "[ $CORO_WORKER = 1 ] && exec sleep 600; exit 7", diary)
                await #expect {
                    try await loop.runWorkers(command, count: 2, restartsMax: 2)
                } throws: {
                    "\($0)" == "Worker 0 has failed, and workers were started again 2 times already: "
                        + "/bin/././sh did not succeed: exit code 7"
                }
                let starts = try await starts(diary, on: loop)
                #expect(starts.filter { $0 == "0" }.count == 3)
            }
        }
        #expect(recorder.failures.count == 2)
    }

    @Test func `a cancel ends all workers`() async throws {
        try await withLoop { loop async throws in
            let running = loop.spawn { try await loop.runWorkers(.init("sleep", "600"), count: 3) }
            try await loop.moment()
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
        }
    }

    @Test func `a program that cannot be started is an error at once, and told of once`() async throws {
        // (A report that nobody expects fails the test.)
        try await withLoop { loop async throws in
            await #expect(throws: IOError.self) { try await loop.runWorkers(.init("/nonexistent/program"), count: 3) }
        }
    }

    @Test func `who is cancelled already starts no program`() async throws {
        try await withLoop { loop async throws in
            try await withDiary { diary in
                let running = loop.spawn { try await loop.runWorkers(shell("/bin/sh", "exit 0", diary), count: 3) }
                running.cancel()
                await #expect(throws: CancellationError.self) { try await running.value }
                await #expect(throws: IOError.self) { try await loop.readFile(diary) }
            }
        }
    }

    @Test func `this process is no worker`() { #expect(Subprocess.workerNumber == nil) }
}
