// coro-serve as others meet it: a process with arguments, signals, exit codes and two streams of text.

import Foundation
import Glibc
import Testing

/// A running coro-serve, killed at the latest when the test lets go of it.
final class ServeProcess {
    /// The tool beside the test bundle, wherever `--scratch-path` put both; nil when it was not built.
    static let path: String? = {
        let bundle = [
            Bundle.main.executablePath, try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
        ]
        let arguments = CommandLine.arguments.filter { $0.contains(".xctest") }
        return (bundle.compactMap { $0 } + arguments).map { path in
            let end = path.range(of: ".xctest").map { path[..<$0.upperBound] } ?? path[...]
            return URL(fileURLWithPath: String(end)).deletingLastPathComponent().appendingPathComponent("coro-serve")
                .path
        }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    /// For what it writes until it ends, since a test may kill it before it can tidy up.
    private let scratch: TemporaryFolder
    private let pid: pid_t
    private let output: Int32
    private let errors: Int32
    private var isReaped = false
    /// The port it listens on; 0 for a process that did not get that far.
    private(set) var port: UInt16 = 0

    /// Starts the tool. With `waits`, its first line must name a URL.
    ///
    /// - Parameter sockets: what a supervisor has opened for it (sd_listen_fds(3)).
    init(_ arguments: [String], waits: Bool = true, scheme: String = "http", sockets: [Int32] = []) throws {
        scratch = try TemporaryFolder()
        var out: [Int32] = [-1, -1]
        var err: [Int32] = [-1, -1]
        // Socket pairs and not pipes: they are born close-on-exec, and no other child of this process can keep an end open.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &out) == 0 && socketpair(AF_UNIX, kind, 0, &err) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, out[1], 1)
        posix_spawn_file_actions_adddup2(&actions, err[1], 2)
        // Above those that they are copied to, so that none is overwritten before its turn.
        let copies = sockets.map { fcntl($0, F_DUPFD_CLOEXEC, 3 + Int32(sockets.count)) }
        defer { for copy in copies { Glibc.close(copy) } }
        for (index, copy) in copies.enumerated() { posix_spawn_file_actions_adddup2(&actions, copy, 3 + Int32(index)) }
        // Whatever this thread blocks or ignores is no business of the tool's.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var some = sigset_t()
        sigemptyset(&none)
        sigemptyset(&some)
        for signal in [SIGINT, SIGTERM, SIGPIPE, SIGHUP] { sigaddset(&some, signal) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &some)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let tool = try #require(ServeProcess.path)
        // Only the process itself knows its number, which LISTEN_PID is to be.
        let supervised = ["/bin/sh", "-c", "LISTEN_PID=$$ exec \"$0\" \"$@\"", tool]
        let command = (sockets.isEmpty ? [tool] : supervised) + arguments
        let path = command[0]
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var environment = ProcessInfo.processInfo.environment
        environment["TMPDIR"] = scratch.url.path
        if !sockets.isEmpty { environment["LISTEN_FDS"] = "\(sockets.count)" }
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for variable in variables { free(variable) } }
        var pid = pid_t()
        let failure = posix_spawn(&pid, path, &actions, &attributes, &words, &variables)
        Glibc.close(out[1])
        Glibc.close(err[1])
        (self.pid, output, errors) = (pid, out[0], err[0])
        try #require(failure == 0)
        if waits {
            let line = try #require(readLine(), "It ended without a word.")
            let digits = line.split(separator: ":").last?.prefix { $0.isNumber }
            port = try #require(digits.flatMap { UInt16($0) }, "No URL in: \(line)")
            let host = sockets.isEmpty ? "127.0.0.1" : "0.0.0.0"
            #expect(line == "coro-serve: listening on \(scheme)://\(host):\(port)/")
        }
    }

    deinit {
        if !isReaped {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        Glibc.close(output)
        Glibc.close(errors)
    }

    func send(_ signal: Int32) { kill(pid, signal) }

    /// How many descriptors it has open.
    var openDescriptors: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? -1 }

    /// The next line on standard error; nil at its end, or when none comes in ten seconds.
    func readLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while isReadable(errors), read(errors, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    /// Waits for the end: the exit code (128 and the signal's number for a signal), and what was left to read.
    func end() -> (code: Int32, output: String, errors: String) {
        let texts = [output, errors].map { descriptor in
            var bytes: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 4096)
            while isReadable(descriptor) {
                let count = read(descriptor, &piece, piece.count)
                guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
                bytes += piece[..<count]
            }
            // It neither says anything nor ends: the test fails by the code.
            kill(pid, SIGKILL)
            return String(decoding: bytes, as: UTF8.self)
        }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        isReaped = true
        let signal = status & 0x7F
        return (signal == 0 ? (status >> 8) & 0xFF : 128 + signal, texts[0], texts[1])
    }

    private func isReadable(_ descriptor: Int32) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 10_000) == 1
    }
}

/// A plain blocking connection to it.
final class ServeConnection {
    private let descriptor: Int32

    /// Nil when nobody listens.
    init?(to port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if connected != 0 { return nil }
    }

    deinit { close(descriptor) }

    func write(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// What comes, up to and including `end`; without one, up to the server's end.
    func read(until end: String? = nil) -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            if let end, String(decoding: bytes, as: UTF8.self).hasSuffix(end) { break }
            let count = recv(descriptor, &piece, end == nil ? piece.count : 1, 0)
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One request on a connection of its own; everything that comes back.
    static func ask(
        _ port: UInt16, _ target: String, method: String = "GET", fields: String = "", body: String = ""
    ) -> String {
        guard let connection = ServeConnection(to: port) else { return "" }
        connection.write("\(method) \(target) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\(fields)\r\n\(body)")
        return connection.read()
    }
}
