import Coro
import CoroTesting
import Glibc
import Testing

@Suite struct SubprocessTests {
    // MARK: Running to the end

    @Test func `a program is run with its arguments as they are, and what it wrote comes back`() async throws {
        try await withLoop { loop async throws in
            let result = try await loop.run("/bin/echo", "-n", "two  words", "$HOME", "*")
            #expect(result.text == "two  words $HOME *")
            #expect(result.status == .exited(0))
            #expect(result.errors.isEmpty)
        }
    }

    @Test func `a name without a slash is looked for in PATH`() async throws {
        try await withLoop { loop async throws in
            #expect(try await loop.run("echo", "found").text == "found\n")
            var command = Subprocess.Command("echo", "found")
            command.environment = ["PATH": "/nowhere:/bin"]
            #expect(try await loop.run(command).text == "found\n")
            command.environment = ["PATH": "/nowhere"]
            await #expect(throws: IOError(call: "execve echo", code: ENOENT)) { try await loop.run(command) }
        }
    }

    @Test func `a megabyte goes through cat and back, though no pipe holds it`() async throws {
        try await withLoop { loop async throws in
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            #expect(try await loop.run("cat", input: bytes).output == bytes)
        }
    }

    @Test func `errors come apart from the output, or merged into it`() async throws {
        try await withLoop { loop async throws in
            let command = Subprocess.Command("sh", "-c", "echo one; echo two >&2; echo three")
            let apart = try await loop.run(command)
            #expect(apart.text == "one\nthree\n")
            #expect(apart.errors.elementsEqual("two\n".utf8))
            let merged = try await loop.run(command, mergesErrors: true)
            #expect(merged.text == "one\ntwo\nthree\n")
            #expect(merged.errors.isEmpty)
        }
    }

    @Test func `a program that stops reading its input is no failure`() async throws {
        try await withLoop { loop async throws in
            let much = [UInt8](repeating: UInt8(ascii: "\n"), count: 1_000_000)
            #expect(try await loop.run("head", "-n", "1", input: much).text == "\n")
        }
    }

    @Test func `a program without input finds its end at once`() async throws {
        try await withLoop { loop async throws in
            #expect(try await loop.run("cat").output.isEmpty)
        }
    }

    // MARK: How it ended

    @Test func `case 68: a non-zero exit throws with what the program complained`() async throws {
        try await withLoop { loop async throws in
            let failure = Subprocess.Failure(program: "sh", status: .exited(3), complaint: "why\n")
            await #expect(throws: failure) { try await loop.run("sh", "-c", "echo why >&2; exit 3") }
        }
    }

    @Test func `case 68: unless that is disabled`() async throws {
        try await withLoop { loop async throws in
            #expect(try await loop.run("sh", "-c", "exit 255", requiresSuccess: false).status == .exited(255))
        }
    }

    @Test func `case 68: a child killed by SIGTERM reports that signal`() async throws {
        try await withLoop { loop async throws in
            let process = try Subprocess("cat", on: loop, input: .pipe)
            #expect(process.status == nil)
            #expect(try process.send(signal: SIGTERM))
            let status = try await process.wait()
            #expect(status == .signalled(SIGTERM))
            #expect(!status.isSuccess)
            #expect(throws: Subprocess.Failure(program: "cat", status: .signalled(SIGTERM))) {
                try status.requireSuccess(of: "cat")
            }
        }
    }

    @Test func `the end may be asked for by many, and again`() async throws {
        try await withLoop { loop async throws in
            let process = try Subprocess("cat", on: loop, input: .pipe)
            let waits = (0..<3).map { _ in loop.spawn { try await process.wait() } }
            try await loop.moment()
            process.standardInput?.close()
            for wait in waits { #expect(try await wait.value == .exited(0)) }
            #expect(try await process.wait() == .exited(0))
            #expect(process.status == .exited(0))
        }
    }

    @Test func `a signal for a process that has ended goes nowhere`() async throws {
        try await withLoop { loop async throws in
            for group in [Subprocess.Command.Group.inherited, .own] {
                var command = Subprocess.Command("true")
                command.group = group
                let process = try Subprocess(command, on: loop)
                _ = try await process.wait()
                #expect(try !process.send(signal: SIGKILL))
            }
        }
    }

    @Test func `nor does one for a process of whose end the loop has not heard yet`() async throws {
        try await withLoop { loop async throws in
            let process = try Subprocess("true", on: loop)
            var info = siginfo_t()
            #expect(waitid(P_PID, id_t(process.id), &info, WEXITED | WNOWAIT) == 0)
            #expect(try !process.send(signal: SIGKILL))
            #expect(try await process.wait() == .exited(0))
        }
    }

    // MARK: Not started

    @Test func `a program that is not there, or may not be run, fails the call with its path`() async throws {
        try await withLoop { loop async throws in
            await #expect(throws: IOError(call: "execve /nowhere/program", code: ENOENT)) {
                try await loop.run("/nowhere/program")
            }
            await #expect(throws: IOError(call: "execve /etc/passwd", code: EACCES)) {
                try await loop.run("/etc/passwd")
            }
            await #expect(throws: IOError(call: "execve ", code: ENOENT)) { try await loop.run("") }
        }
    }

    @Test func `a text that would be cut at a NUL, and a name that is none, are refused`() async throws {
        try await withLoop { loop async throws in
            await #expect(throws: IOError(call: "execve echo", code: EINVAL)) { try await loop.run("echo", "a\0b") }
            var command = Subprocess.Command("echo")
            command.environment = ["A=B": "c"]
            await #expect(throws: IOError(call: "execve echo", code: EINVAL)) { try await loop.run(command) }
        }
    }

    @Test func `a process is not started from another thread, nor on a closed loop`() async throws {
        let loop = try EventLoop()
        #expect(throws: StreamError.wrongThread) { try Subprocess("true", on: loop) }
        try loop.close()
        #expect(throws: LoopError.closed) { try Subprocess("true", on: loop) }
    }

    @Test func `starting leaves no descriptor open, whether it works or not`() async throws {
        // In a process of its own, where nobody else opens any.
        await #expect(processExitsWith: .success) {
            try await withLoop { loop async throws in
                _ = try await loop.run("true")
                let before = OpenDescriptors.count
                for _ in 0..<50 {
                    _ = try await loop.run("true")
                    _ = try? await loop.run("/nowhere/program", input: [1])
                }
                // A few may be of the testing library, which works beside us; a leak of ours would be a hundred.
                #expect(OpenDescriptors.count <= before + 8)
            }
        }
    }

    // MARK: What the child has

    @Test func `a child has three descriptors and no more`() async throws {
        try await withLoop { loop async throws in
            // Without close-on-exec, as other libraries may open theirs.
            let careless = open("/dev/null", O_RDONLY)
            defer { close(careless) }
            // The fourth is the directory that ls reads.
            let listing = try await loop.run("ls", "/proc/self/fd").text
            #expect(listing == "0\n1\n2\n3\n")
        }
    }

    @Test func `a child blocks no signal and ignores none`() async throws {
        try await withLoop { loop async throws in
            let signals = try loop.signals([SIGUSR2])
            let status = try await loop.run("cat", "/proc/self/status").text.split(separator: "\n")
            for name in ["SigBlk:", "SigIgn:", "SigCgt:"] {
                let line = try #require(status.first { $0.hasPrefix(name) })
                #expect(line.hasSuffix("\t0000000000000000"), "\(line)")
            }
            withExtendedLifetime(signals) {}
        }
    }

    @Test func `a child has the environment and the directory it is given`() async throws {
        try await withLoop { loop async throws in
            var command = Subprocess.Command("/usr/bin/env")
            command.environment = ["ONE": "1=1", "TWO": ""]
            let lines = try await loop.run(command).text.split(separator: "\n").sorted()
            #expect(lines == ["ONE=1=1", "TWO="])
            command = Subprocess.Command("/bin/pwd")
            command.directory = "/usr/lib"
            #expect(try await loop.run(command).text == "/usr/lib\n")
            command.directory = "/nowhere"
            await #expect(throws: IOError(call: "chdir /nowhere", code: ENOENT)) { try await loop.run(command) }
        }
    }

    @Test func `a child has this process's environment unless told otherwise`() async throws {
        try await withLoop { loop async throws in
            let path = try #require(Subprocess.environment["PATH"])
            #expect(try await loop.run("sh", "-c", "printf %s \"$PATH\"").text == path)
        }
    }

    @Test func `a group of its own gets the signals as one`() async throws {
        try await withLoop { loop async throws in
            var command = Subprocess.Command("sh", "-c", "sleep 1000 & echo started; wait")
            command.group = .own
            let process = try Subprocess(command, on: loop, input: .pipe, output: .pipe)
            let output = try #require(process.standardOutput)
            _ = try await output.read(until: UInt8(ascii: "\n"))
            try process.send(signal: SIGTERM)
            #expect(try await process.wait() == .signalled(SIGTERM))
            // Its child held the pipe open; the end says that it is gone too.
            #expect(try await output.read() == nil)
        }
    }

    @Test func `a session of its own is led by the child`() async throws {
        try await withLoop { loop async throws in
            var command = Subprocess.Command("cat", "/proc/self/stat")
            command.group = .session
            // proc(5): number, name, state, parent, group, session.
            let fields = try await loop.run(command).text.split(separator: " ")
            #expect(fields[4] == fields[0])
            #expect(fields[5] == fields[0])
        }
    }

    @Test func `descriptors of ours become the child's, in any order`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = (SocketPair(), SocketPair())
            for pair in [one, two] { _ = fcntl(pair.right, F_SETFL, 0) }
            let process = try Subprocess(
                .init("sh", "-c", "echo out; echo err >&2"), on: loop, output: .descriptor(two.right),
                error: .descriptor(one.right))
            #expect(try await process.wait() == .exited(0))
            let errors = try ByteStream(takingOver: dup(one.left), on: loop)
            let output = try ByteStream(takingOver: dup(two.left), on: loop)
            #expect(try await errors.read(exactly: 4).elementsEqual("err\n".utf8))
            #expect(try await output.read(exactly: 4).elementsEqual("out\n".utf8))
        }
    }
}
