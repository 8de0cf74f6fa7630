// TLS against nginx and OpenSSL's own server: one key (ECDSA, P-256), one cipher, TLS 1.3, one load.
#if TLS

internal import Coro
internal import CoroTLS

extension Scenario {
    static let netTLS = [
        handshakes("a full handshake", resuming: false, about: "a key exchange and a signature"),
        handshakes("a resumed handshake", resuming: true, about: "by a ticket: a key exchange, no signature"),
        Scenario(
            "tls", "256 MiB", leastRatio: 0.9, judgedBy: .cpu,
            about: "GET of a file in the page cache, \(SecureLoad.cipher); openssl s_time receives"
        ) { meter in
            try await meter.withSecureServers { servers, folder in
                try folder.makeZeros(meter.isBrief ? 1 << 20 : 256 << 20, at: "zeros")
                try await meter.compare(.byte, servers) { server, seconds in
                    try await SecureLoad.connect(
                        server, on: meter.loop, resuming: false, path: "/zeros", seconds: seconds
                    ).bytes
                }
            }
        },
        Scenario(
            "quiet", "a TLS stream",
            about: "resident memory for each connection after one request; s_server takes one connection only"
        ) { meter in
            try await meter.withSecureServers { servers, _ in
                try await meter.compareMemory(Array(servers.prefix(2)), connections: 500) { server, count in
                    try await SecureLoad.quiet(server, on: meter.loop, count: count)
                }
            }
        },
    ]

    private static func handshakes(_ name: String, resuming: Bool, about: String) -> Scenario {
        Scenario(
            "tls", name, leastRatio: 0.9, judgedBy: .cpu,
            about: "\(about), and a request of 13 bytes; openssl s_time, one at a time"
        ) { meter in
            try await meter.withSecureServers { servers, _ in
                try await meter.compare(.handshake, servers) { server, seconds in
                    try await SecureLoad.connect(
                        server, on: meter.loop, resuming: resuming, path: "/plaintext", seconds: seconds
                    ).connections
                }
            }
        }
    }
}

extension Meter {
    /// Runs `body` with servers that share one certificate and one folder of files.
    fileprivate func withSecureServers(_ body: ([ServerProgram], Workshop) async throws -> Void) async throws {
        try await withWorkshop { folder in
            let pem = try TLSIdentity.selfSigned(names: ["localhost", "127.0.0.1"]).pem
            try folder.write(pem.certificates, to: SecureServer.certificate)
            try folder.write(pem.key, to: SecureServer.key)
            try folder.write("Hello, World!", to: "plaintext")
            try await body([.secure(folder), .nginx(folder, isSecure: true), .openSSL(folder)], folder)
        }
    }
}
#endif
