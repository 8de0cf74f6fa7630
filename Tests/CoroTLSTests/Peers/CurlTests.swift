#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// curl against a responder of a few lines.
@Suite(.enabled(if: Peer.curl != nil, "curl is not installed.")) struct CurlTests {
    /// Answers each request with its first line, and closes: the end of the body is the close_notify.
    private static let respond: @Sendable (ByteStream) async throws -> Void = { stream in
        let line = try await stream.read(until: 10)
        while try await stream.read(until: 10).count > 2 {}
        try await stream.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        try await stream.write(line)
    }

    private func curl(_ arguments: String..., server: TLSServer) async throws -> Subprocess.Completed {
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            let handler: @Sendable (ByteStream) async throws -> Void = { stream in
                // A client that does not trust us goes, and that is no failure of ours.
                _ = await failure { try await Self.respond(stream) }
            }
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let serving = loop.spawn {
                try await listener.serve { stream in
                    guard await failure(of: { try await stream.startTLS(server) }) == nil else { return }
                    try await handler(stream)
                }
            }
            let port = listener.address.port
            var command = Subprocess.Command(
                try #require(Peer.curl),
                arguments: ["-sS", "--cacert", folder.root, "--resolve", "localhost:\(port):127.0.0.1"] + arguments
                    + ["https://localhost:\(port)/path"])
            command.environment = [:]
            let completed = try await loop.run(command, requiresSuccess: false)
            listener.close()
            try await serving.value
            return completed
        }
    }

    @Test(arguments: ["--tlsv1.3", "--tls-max=1.2"])
    func `curl gets an answer`(_ option: String) async throws {
        let option = option == "--tls-max=1.2" ? ["--tls-max", "1.2"] : [option]
        let completed = try await curl(option[0], option.last ?? "", server: TestAuthority.server())
        #expect(completed.text == "GET /path HTTP/1.1\r\n", "\(String(decoding: completed.errors, as: UTF8.self))")
    }

    @Test func `curl refuses what we would refuse`() async throws {
        let other = try await curl(server: TLSServer(TestAuthority.issue(names: ["other.example"])))
        #expect(other.status == .exited(60))
        let stranger = try await curl(server: TLSServer(TestAuthority.issue(by: TestAuthority.stranger)))
        #expect(stranger.status == .exited(60))
    }

    @Test func `curl shows its certificate`() async throws {
        let folder = IdentityFolder()
        let (certificate, key) = folder.files(try TestAuthority.issue(names: ["me"]), "client")
        let server = try TestAuthority.server(.init(clients: .required(.certificate(of: TestAuthority.root))))
        #expect(try await curl("--cert", certificate, "--key", key, server: server).text.hasPrefix("GET"))
        #expect(try await !curl(server: server).status.isSuccess)
    }
}
#endif
