// HTTP over TLS against nginx and OpenSSL's own server: one key (ECDSA, P-256), one cipher, TLS 1.3, one load.
//
// A full handshake takes a client more than a server, and a resumed one as much, so that the load's core is busy as early as the
// server's: what is compared is what a server does with its CPU time. In bulk the load hardly works, and rates are compared.
#if TLS

internal import Coro
internal import CoroTLS

extension Scenario {
    static let netTLS = [
        handshakes(
            "full handshakes", .full, about: "a key exchange and a signature, two tickets, and a request of 13 bytes"),
        handshakes(
            "resumed handshakes", .resumed,
            about: "by a ticket: a key exchange, no signature, one ticket, and a request of 13 bytes"),
        handshakesByOpenSSL("full, openssl s_time", resuming: false),
        handshakesByOpenSSL("resumed, openssl s_time", resuming: true),
        bulk("1 GiB", connections: 1, about: "on one connection"),
        bulk("1 GiB, 4 connections", connections: 4, about: "on four connections at once, of which s_server takes one"),
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

    private static func handshakes(_ name: String, _ work: SecureClient.Work, about: String) -> Scenario {
        Scenario(
            "tls", name, leastRatio: 0.9, judgedBy: .cpu,
            about: "\(about); eight connections at a time, of which s_server takes one"
        ) { meter in
            try await meter.withSecureServers { servers, _ in
                try await meter.compare(.handshake, servers) { server, seconds in
                    try await SecureLoad.connect(
                        work, server, on: meter.loop, path: "/plaintext", bytes: 13, connections: 8, seconds: seconds)
                }
            }
        }
    }

    private static func handshakesByOpenSSL(_ name: String, resuming: Bool) -> Scenario {
        Scenario(
            "tls", name,
            about: "the same, one connection at a time; s_time takes more time than any server, so without an aim"
        ) { meter in
            try await meter.withSecureServers { servers, _ in
                try await meter.compare(.handshake, servers) { server, seconds in
                    try await SecureLoad.connectByOpenSSL(
                        server, on: meter.loop, resuming: resuming, path: "/plaintext", seconds: seconds)
                }
            }
        }
    }

    private static func bulk(_ name: String, connections: Int, about: String) -> Scenario {
        Scenario(
            "tls", name, leastRatio: 0.9,
            about: "GET of files in the page cache \(about), \(SecureLoad.cipher); the load deciphers nothing"
        ) { meter in
            try await meter.withSecureServers(files: true) { servers, folder in
                let bytes = (meter.isBrief ? 1 << 20 : 1 << 30) / connections
                try folder.makeZeros(bytes, at: "zeros")
                try await meter.compare(.byte, servers) { server, seconds in
                    var amount = try await SecureLoad.connect(
                        .bulk, server, on: meter.loop, path: "/zeros", bytes: bytes, connections: connections,
                        seconds: seconds)
                    amount.units *= Double(bytes)
                    return amount
                }
            }
        }
    }
}

extension Meter {
    /// Runs `body` with servers that share one certificate, and the folder that it is in: coro-serve serves that with `files`,
    /// and else has /plaintext in memory, as nginx does; s_server has files only.
    fileprivate func withSecureServers(
        files: Bool = false, _ body: ([ServerProgram], Workshop) async throws -> Void
    ) async throws {
        try await withWorkshop { folder in
            let pem = try TLSIdentity.selfSigned(names: ["localhost", "127.0.0.1"]).pem
            try folder.write(pem.certificates, to: "certificate.pem")
            try folder.write(pem.key, to: "key.pem")
            try folder.write("Hello, World!", to: "plaintext")
            let ours = ServerProgram.coroServe(files ? folder : nil, certificate: folder)
            try await body([ours, .nginx(folder, isSecure: true), .openSSL(folder)], folder)
        }
    }
}
#endif
