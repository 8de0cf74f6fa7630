// Programs that serve, as they are started; and such a program while it runs.

internal import Console
internal import Coro
internal import Glibc

/// A server to measure: how it is started, or why it cannot be.
struct ServerProgram: Sendable {
    /// What the report calls it.
    let name: String
    /// Its command line; nil when it is not there.
    let words: [String]?
    /// Where it was told to listen; nil for one that says where on its standard error.
    let port: ReservedPort?
    /// Where it begins; nil is where we are.
    let directory: String?
    /// What to do about a program that is not there.
    let cure: String

    init(_ name: String, _ words: [String]?, port: ReservedPort? = nil, directory: String? = nil, cure: String = "") {
        self.name = name
        self.words = words
        self.port = port
        self.directory = directory
        self.cure = cure
    }

    /// Coro's streams and the bare calls, with the same service.
    static func streams(_ service: StreamServer.Service, bytes: Int) -> [ServerProgram] {
        ["coro", "floor"].map { maker in
            ServerProgram(maker, [Programs.own, Role.flag, maker, service.rawValue, "\(bytes)"])
        }
    }

    /// The server of this package, with the files of a folder or, without one, its endpoints; with TLS when there is a folder
    /// with a certificate.
    static func coroServe(_ folder: Workshop? = nil, certificate: Workshop? = nil) -> ServerProgram {
        let files = folder.map { [$0.path] } ?? []
        let secured = certificate.map {
            ["--tls-cert", "\($0.path)/certificate.pem", "--tls-key", "\($0.path)/key.pem"]
        }
        let words = ["--quiet", "--port", "0"] + (secured ?? []) + files
        return ServerProgram(
            "coro-serve", Programs.sister("coro-serve").map { [$0] + words },
            cure: "It is not beside coro-bench. Build it: swift build -c release --product coro-serve")
    }

    /// nginx, one process, with the folder's files and `/plaintext`; with TLS it takes the folder's certificate.
    static func nginx(_ folder: Workshop, isSecure: Bool = false) throws -> ServerProgram {
        let cure = "apt-get install nginx-light"
        guard let path = Programs.installed("nginx") else { return ServerProgram("nginx", nil, cure: cure) }
        let port = try ReservedPort()
        let configuration = NginxConfiguration(folder: folder.path, port: port.number, isSecure: isSecure)
        try folder.write(configuration.text, to: "nginx.conf")
        for name in configuration.leaves { folder.expect(name) }
        return ServerProgram(
            "nginx", [path, "-p", folder.path, "-e", configuration.errors, "-c", "\(folder.path)/nginx.conf"],
            port: port, cure: cure)
    }

    /// OpenSSL's own server, which has one connection at a time, with the folder's certificate and files.
    static func openSSL(_ folder: Workshop) throws -> ServerProgram {
        let cure = "apt-get install openssl"
        guard let path = Programs.installed("openssl") else { return ServerProgram("s_server", nil, cure: cure) }
        let port = try ReservedPort()
        let words = [
            path, "s_server", "-accept", "127.0.0.1:\(port.number)", "-cert", "certificate.pem", "-key", "key.pem",
            "-tls1_3", "-WWW", "-quiet",
        ]
        return ServerProgram("s_server", words, port: port, directory: folder.path, cure: cure)
    }
}

/// A server that runs, on the servers' core.
final class RunningServer: Sendable {
    let program: ServerProgram
    let port: UInt16
    private let process: Subprocess

    /// Runs `body` with these servers, in their order; all are gone when this returns.
    static func with(
        _ programs: [ServerProgram], on loop: EventLoop, _ body: ([RunningServer]) async throws -> Void
    ) async throws {
        try await with(programs[...], [], on: loop, body)
    }

    private static func with(
        _ programs: ArraySlice<ServerProgram>, _ running: [RunningServer], on loop: EventLoop,
        _ body: ([RunningServer]) async throws -> Void
    ) async throws {
        guard let program = programs.first, let words = program.words else { return try await body(running) }
        let confined = Confinement.server(words)
        var command = Subprocess.Command(confined[0], arguments: Array(confined.dropFirst()))
        command.directory = program.directory
        try await loop.withSubprocess(command, output: .null, error: .pipe, grace: .milliseconds(500)) { process in
            let port = try await whereItListens(program, process)
            let server = RunningServer(program: program, port: port, process: process)
            try await with(programs.dropFirst(), running + [server], on: loop, body)
        }
    }

    private init(program: ServerProgram, port: UInt16, process: Subprocess) {
        self.program = program
        self.port = port
        self.process = process
    }

    /// Suspends until it takes connections.
    private static func whereItListens(_ program: ServerProgram, _ process: Subprocess) async throws -> UInt16 {
        guard let told = program.port?.number else {
            // "… listening on http://127.0.0.1:41234/"
            let line = try await process.loop.withTimeout(.seconds(10)) {
                try await process.standardError?.read(until: UInt8(ascii: "\n")) ?? []
            }
            let text = String(decoding: line.dropLast(), as: UTF8.self)
            let digits = text.split(separator: ":").last?.prefix { $0.isNumber }
            guard let port = digits.flatMap({ UInt16($0) }) else { throw Complaint("\(program.name): \(text)") }
            return port
        }
        for _ in 0..<2_000 {
            if (try? RawConnection(port: told)) != nil { return told }
            if process.status != nil { break }
            try await process.loop.sleep(for: .milliseconds(5))
        }
        let words = try? await process.standardError?.read(atMost: 1024)
        throw Complaint("\(program.name) does not listen. \(String(decoding: words ?? [], as: UTF8.self))")
    }

    /// What it has run so far, all threads, in nanoseconds.
    var cpu: Double {
        var clock = clockid_t()
        guard clock_getcpuclockid(process.id, &clock) == 0 else { return .nan }
        return Clock.read(clock)
    }

    /// Its memory that is in RAM, in bytes.
    var resident: Double { Machine.resident(of: process.id) }
}
