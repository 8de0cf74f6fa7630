// The loads of the TLS rows: connections come from other processes, `SecureClient` or `openssl s_time`; quiet ones are held by
// this one.
#if TLS

internal import Console
internal import Coro
internal import CoroTLS

/// What all servers of a TLS row have in common.
enum SecureLoad {
    /// The cipher that every client offers, and no other.
    static let cipher = "TLS_AES_128_GCM_SHA256"

    /// Connects again and again, so many at a time, and fetches `path` each time. Counts connections.
    static func connect(
        _ work: SecureClient.Work, _ server: RunningServer, on loop: EventLoop, path: String, bytes: Int,
        connections: Int, seconds: Double
    ) async throws -> Load.Amount {
        let client = SecureClient(
            work, server.port, path: path, bytes: bytes, connections: connections, seconds: seconds)
        let text = try await run([Programs.own, Role.flag] + client.words, server, on: loop)
        guard let count = SecureClient.Count(text) else { throw Complaint("\(server.program.name): \(text)") }
        // A server that resumed only some would be measured by the others.
        guard count.resumed == (work == .resumed ? count.connections : 0) else {
            throw Complaint("\(server.program.name) resumed \(count.resumed) of \(count.connections) connections.")
        }
        return Load.Amount(units: Double(count.connections), seconds: count.seconds)
    }

    /// Connects again and again, one at a time, with `openssl s_time`, and fetches `path` each time. Counts connections.
    ///
    /// It takes whole seconds: one at least.
    static func connectByOpenSSL(
        _ server: RunningServer, on loop: EventLoop, resuming: Bool, path: String, seconds: Double
    ) async throws -> Load.Amount {
        guard let openssl = Programs.installed("openssl") else { throw Complaint("openssl is missing.") }
        let words = [
            openssl, "s_time", "-connect", "127.0.0.1:\(server.port)", resuming ? "-reuse" : "-new", "-tls1_3",
            "-ciphersuites", cipher, "-time", "\(max(1, Int(seconds)))", "-www", path,
        ]
        let start = Clock.wall
        let text = try await run(words, server, on: loop)
        let took = (Clock.wall - start) / 1e9
        guard let connections = connections(in: text, resuming: resuming) else {
            throw Complaint("openssl s_time and \(server.program.name): \(text.suffix(300))")
        }
        return Load.Amount(units: connections, seconds: took)
    }

    /// Runs a program on the load's core; returns what it says on standard output, or on standard error if it fails.
    private static func run(_ words: [String], _ server: RunningServer, on loop: EventLoop) async throws -> String {
        let confined = Confinement.load(words)
        let command = Subprocess.Command(confined[0], arguments: Array(confined.dropFirst()))
        let result = try await loop.run(command, requiresSuccess: false)
        guard result.status.isSuccess else {
            throw Complaint("\(server.program.name): \(String(decoding: result.errors, as: UTF8.self))")
        }
        return result.text
    }

    /// Reads "rrrr", "654 connections in 0.33s; 1981.82 connections/user sec, bytes read 37932".
    private static func connections(in text: String, resuming: Bool) -> Double? {
        let lines = text.split(separator: "\n")
        guard let line = lines.last(where: { $0.contains("connections/user sec") }),
            let connections = line.split(separator: " ").first.flatMap({ Double($0) }), connections > 0
        else { return nil }
        if resuming {
            // It says r for each that was resumed; a server that resumes only some would be measured by the others.
            let resumed = lines.map { line in line.allSatisfy { $0 == "r" } ? Double(line.count) : 0 }.max() ?? 0
            guard resumed >= connections * 0.99 else { return nil }
        }
        return connections
    }

    /// So many secure connections, each with one exchange behind it.
    static func quiet(_ server: RunningServer, on loop: EventLoop, count: Int) async throws -> [ByteStream] {
        let client = try TLSClient(.init(verifiesPeer: false, resumesSessions: false))
        let connector = Connector(loop: loop)
        let request = Load.request("/plaintext", connection: "keep-alive")
        var streams: [ByteStream] = []
        for _ in 0..<count {
            let stream = try await connector.connect(host: "127.0.0.1", port: server.port, tls: client)
            try await stream.write(request)
            while try await stream.read(until: UInt8(ascii: "\n")).count > 2 {}
            _ = try await stream.read(exactly: "Hello, World!".utf8.count)
            streams.append(stream)
        }
        return streams
    }
}
#endif
