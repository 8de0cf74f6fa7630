#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// Against `openssl s_client` and `openssl s_server`: what they call right is right, and what they do wrong is refused.
@Suite(.enabled(if: Peer.openssl != nil, "The openssl command is not installed.")) struct OpenSSLTests {
    // MARK: Their server

    private func serve<Result>(
        _ identity: TLSIdentity, _ options: [String] = [], on loop: EventLoop,
        _ body: (UInt16, Subprocess) async throws -> Result
    ) async throws -> Result {
        let folder = IdentityFolder()
        let (certificate, key) = folder.files(identity)
        let chain = folder.file("chain.pem", identity.pem.certificates)
        return try await loop.withServer(
            Peer.openssl,
            ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-cert_chain", chain] + options,
            body)
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `s_server answers, and our close is an end to it`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            try await serve(TestAuthority.issue(by: TestAuthority.intermediate()), ["-rev"], on: loop) { port, _ in
                let client = try TestAuthority.client { $0.versions = version...version }
                for round in 0..<2 {
                    let stream = try await Connector(loop: loop).connect(
                        host: "127.0.0.1", port: port, tls: client, serverName: "localhost")
                    try await stream.write("abc\n")
                    #expect(try await stream.read(until: 10) == Array("cba\n".utf8))
                    #expect(stream.tls?.version == version)
                    #expect(stream.tls?.isResumed == (round == 1))
                    stream.close()
                }
            }
        }
    }

    @Test func `ALPN and a client's certificate`() async throws {
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            let options = [
                "-alpn", "h2,http/1.1", "-Verify", "1", "-CAfile", folder.root, "-verify_return_error", "-rev",
            ]
            try await serve(TestAuthority.localhost, options, on: loop) { port, _ in
                let identity = try TestAuthority.issue(names: ["me"])
                let client = try TestAuthority.client {
                    $0.identity = identity
                    $0.protocols = ["http/1.1"]
                }
                let connector = Connector(loop: loop)
                let stream = try await connector.connect(host: "127.0.0.1", port: port, tls: client)
                try await stream.write("abc\n")
                #expect(try await stream.read(until: 10) == Array("cba\n".utf8))
                #expect(stream.tls?.applicationProtocol == "http/1.1")
                // It serves one at a time.
                stream.close()
                let stranger = try TestAuthority.client()
                let refused = try await connector.connect(host: "127.0.0.1", port: port, tls: stranger)
                let error = await failure { _ = try await refused.read() }
                #expect("\(try #require(error))".contains("the peer wants a certificate of ours"))
            }
        }
    }

    /// What is wrong with a server, and how that is said.
    private static var badServers: [(name: String, identity: TLSIdentity, message: String)] {
        get throws {
            let old = try TestAuthority.issue { ($0.notBefore, $0.notAfter) = (.days(-9), .days(-2)) }
            let young = try TestAuthority.issue { $0.notBefore = .seconds(5 * 3_600 + 600) }
            return [
                ("expired", old, "“CN=localhost” expired on \(old.leaf.notAfter), 2 days ago."),
                ("not yet valid", young, "“CN=localhost” is not valid before \(young.leaf.notBefore), in 5 hours."),
                (
                    "wrong host", try TestAuthority.issue(names: ["other.example"]),
                    "“CN=other.example” is not for localhost, but for other.example."
                ),
                ("self-signed", try .selfSigned(), "“CN=localhost” is self-signed and not among those we trust."),
                (
                    "untrusted", try TestAuthority.issue(by: TestAuthority.stranger),
                    "“CN=localhost” was issued by “CN=Nobody's Root”, whom we do not know to trust."
                ),
                (
                    "weak key", try TestAuthority.issue { $0.key = .rsa(bits: 1024) },
                    "“CN=localhost” is too weak: its key is too short, or it was signed with a hash that is broken."
                ),
            ]
        }
    }

    @Test(arguments: 0..<6)
    func `a bad certificate is refused with the right words`(_ index: Int) async throws {
        try await withLoop { loop async throws in
            let bad = try Self.badServers[index]
            try await serve(bad.identity, ["-cipher", "DEFAULT@SECLEVEL=0"], on: loop) { port, _ in
                let error = await failure {
                    _ = try await Connector(loop: loop).connect(
                        host: "127.0.0.1", port: port, tls: TestAuthority.client(), serverName: "localhost")
                }
                let text = "\(try #require(error))"
                #expect(text == "The peer's certificate " + bad.message, "\(bad.name)")
            }
        }
    }

    @Test func `a directory of roots may have their revocation lists too`() async throws {
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            _ = folder.root
            func refusal() async throws -> CertificateProblem? {
                _ = try await loop.run(try #require(Peer.openssl), "rehash", folder.path)
                let client = try TestAuthority.client {
                    $0.roots = .directory(folder.path)
                    $0.revocation = .leaf([])
                }
                return try await Refusal(on: loop, client).problem
            }
            #expect(try await refusal()?.reason == .noRevocationList)
            _ = folder.file("root.crl", try TestAuthority.root.revocationList())
            #expect(try await refusal() == nil)
            _ = folder.file("root.crl", try TestAuthority.root.revocationList([.init(TestAuthority.localhost)]))
            #expect("\(try #require(try await refusal()))".contains("was revoked on"))
        }
    }

    @Test(arguments: ["-tls1", "-tls1_1"])
    func `RFC 8996: a server that speaks no newer TLS is refused`(_ version: String) async throws {
        try await withLoop { loop async throws in
            let options = [version, "-cipher", "ALL@SECLEVEL=0"]
            try await serve(TestAuthority.localhost, options, on: loop) { port, _ in
                let error = await failure {
                    _ = try await Connector(loop: loop).connect(
                        host: "127.0.0.1", port: port, tls: TestAuthority.client(), serverName: "localhost")
                }
                let text = "\(try #require(error as? TLSError))"
                #expect(text.hasSuffix(": the two sides have no TLS version in common."), "\(text)")
            }
        }
    }

    @Test func `a server that cuts is truncated`() async throws {
        try await withLoop { loop async throws in
            try await serve(TestAuthority.localhost, ["-rev"], on: loop) { port, process in
                let stream = try await Connector(loop: loop).connect(
                    host: "127.0.0.1", port: port, tls: TestAuthority.client(), serverName: "localhost")
                try await stream.write("abc\n")
                #expect(try await stream.read(until: 10) == Array("cba\n".utf8))
                try process.send(signal: SIGKILL)
                await #expect(throws: StreamError.truncated) { try await stream.read() }
            }
        }
    }

    // MARK: Their client

    private static let echo: @Sendable (ByteStream) async throws -> Void = { stream in
        while let bytes = try await stream.read() { try await stream.write(bytes) }
    }

    /// What `openssl s_client` says to and of our server.
    private func connect(
        _ options: [String], to port: UInt16, on loop: EventLoop, saying dialogue: [(line: String, answer: String)]
    ) async throws -> String {
        let folder = IdentityFolder()
        let command = Subprocess.Command(
            try #require(Peer.openssl),
            arguments: ["s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", folder.root, "-verify_return_error"]
                + options)
        return try await loop.withSubprocess(command, input: .pipe, output: .pipe, error: .standardOutput) { process in
            let (input, output) = (try #require(process.standardInput), try #require(process.standardOutput))
            var said = ""
            for (line, answer) in dialogue {
                try await input.write(line + "\n")
                while !said.contains(answer), let bytes = try await output.read() {
                    said += String(decoding: bytes, as: UTF8.self)
                }
            }
            input.close()
            while let bytes = try await output.read() { said += String(decoding: bytes, as: UTF8.self) }
            _ = try await process.wait()
            return said
        }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `s_client verifies us, and is answered`(_ version: String) async throws {
        try await withLoop { loop async throws in
            let server = try TLSServer(
                TestAuthority.issue(by: TestAuthority.intermediate()), .init(protocols: ["http/1.1"]))
            let said = try await loop.serving(server, Self.echo) { port in
                try await connect(
                    [version, "-servername", "localhost", "-verify_hostname", "localhost", "-alpn", "h2,http/1.1"],
                    to: port, on: loop, saying: [("hello from outside", "hello from outside")])
            }
            #expect(said.contains("Verify return code: 0 (ok)"))
            #expect(said.contains("ALPN protocol: http/1.1"))
            #expect(said.contains("hello from outside"))
        }
    }

    @Test func `a client of TLS 1.2 keeps its ticket while the key is new, and gets another before it is gone`()
        async throws
    {
        try await withLoop { loop async throws in
            let clock = HandMovedClock()
            let session = IdentityFolder()
            let file = session.file("session", "")
            try await loop.serving(try clock.server(), Self.echo) { port in
                /// Whether it is resumed, and the line of its ticket that has the key's name.
                func connect(_ options: [String]) async throws -> (isResumed: Bool, key: Substring) {
                    let said = try await self.connect(
                        ["-tls1_2"] + options, to: port, on: loop, saying: [("hello", "hello")])
                    let ticket = try #require(said.firstRange(of: "0000 - "))
                    return (said.contains("Reused, TLSv1.2"), said[ticket.upperBound...].prefix(47))
                }
                let first = try await connect(["-sess_out", file])
                #expect(!first.isResumed)
                clock.advance(toHour: 12, minus: 1)
                let second = try await connect(["-sess_in", file])
                #expect(second.isResumed && second.key == first.key)
                clock.advance(toHour: 12)
                let third = try await connect(["-sess_in", file])
                #expect(third.isResumed && third.key != first.key)
                clock.advance(toHour: 24)
                #expect(try await !connect(["-sess_in", file]).isResumed)
            }
        }
    }

    @Test func `a client that renegotiates is refused, and nothing else happens`() async throws {
        try await withLoop { loop async throws in
            let said = try await loop.serving(
                TestAuthority.server(),
                { stream in _ = await failure { try await Self.echo(stream) } }
            ) { port in
                try await connect(["-tls1_2"], to: port, on: loop, saying: [("R", "no renegotiation")])
            }
            #expect(said.contains("no renegotiation"))
        }
    }
}
#endif
