// The loads of the TLS rows. Connections come from `openssl s_time`, which knows none of the servers; quiet ones are held
// by this process.
#if TLS

internal import Console
internal import Coro
internal import CoroTLS

/// What all servers of a TLS row have in common.
enum SecureLoad {
    /// The cipher that every client offers, and no other.
    static let cipher = "TLS_AES_128_GCM_SHA256"

    /// What one run of `openssl s_time` has counted.
    struct Count: Sendable {
        var connections = 0.0
        var bytes = 0.0
    }

    /// Connects again and again, one at a time, and fetches `path` each time.
    ///
    /// It counts in whole seconds: one at least.
    static func connect(
        _ server: RunningServer, on loop: EventLoop, resuming: Bool, path: String, seconds: Double
    ) async throws -> Count {
        guard let openssl = Programs.installed("openssl") else { throw Complaint("openssl is missing.") }
        let words = Confinement.load([
            openssl, "s_time", "-connect", "127.0.0.1:\(server.port)", resuming ? "-reuse" : "-new", "-tls1_3",
            "-ciphersuites", cipher, "-time", "\(max(1, Int(seconds)))", "-www", path,
        ])
        let command = Subprocess.Command(words[0], arguments: Array(words.dropFirst()))
        let text = try await loop.run(command, requiresSuccess: false).text
        guard let count = count(in: text, resuming: resuming) else {
            throw Complaint("openssl s_time and \(server.program.name): \(text.suffix(300))")
        }
        return count
    }

    /// Reads "rrrr", "654 connections in 0.33s; 1981.82 connections/user sec, bytes read 37932".
    static func count(in text: String, resuming: Bool) -> Count? {
        let lines = text.split(separator: "\n")
        guard let line = lines.last(where: { $0.contains("connections/user sec") }) else { return nil }
        let words = line.split(separator: " ")
        guard let connections = words.first.flatMap({ Double($0) }), let bytes = words.last.flatMap({ Double($0) }),
            connections > 0
        else { return nil }
        if resuming {
            // It says r for each that was resumed; a server that resumes only some would be measured by the others.
            let resumed = lines.map { line in line.allSatisfy { $0 == "r" } ? Double(line.count) : 0 }.max() ?? 0
            guard resumed >= connections * 0.99 else { return nil }
        }
        return Count(connections: connections, bytes: bytes)
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
