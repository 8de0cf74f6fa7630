#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// What a client has against a server's certificate, and how it says so.
@Suite struct CertificateTests {
    /// What a client that trusts the test root finds wrong with a server of this identity.
    private func problem(with identity: TLSIdentity, host: String = "localhost") async throws -> CertificateProblem {
        try await withLoop { loop async throws in
            let refusal = try await Refusal(on: loop, nil, TLSServer(identity), host: host)
            // The server hears of it by an alert.
            #expect(refusal.server is TLSError)
            return try #require(refusal.problem, "\(String(describing: refusal.client))")
        }
    }

    private func isAccepted(_ identity: TLSIdentity, host: String) async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, nil, TLSServer(identity), host: host)
            try await pair.exchange()
        }
    }

    // MARK: Time

    @Test func `one that has expired: since when`() async throws {
        let identity = try TestAuthority.issue {
            $0.notBefore = .days(-20)
            $0.notAfter = .days(-10)
        }
        let problem = try await problem(with: identity)
        #expect(problem == CertificateProblem(reason: .expired, certificate: identity.leaf, depth: 0))
        #expect(
            "\(TLSError.certificate(problem))"
                == "The peer's certificate “CN=localhost” expired on \(identity.leaf.notAfter), 10 days ago.")
    }

    @Test func `one that is not valid yet: from when on`() async throws {
        let identity = try TestAuthority.issue { $0.notBefore = .seconds(2 * 3_600 + 600) }
        let problem = try await problem(with: identity)
        #expect(problem.reason == .notYetValid)
        #expect(
            "\(problem)"
                == "The peer's certificate “CN=localhost” is not valid before \(identity.leaf.notBefore), in 2 hours.")
    }

    @Test func `an authority that has expired is named, not the server`() async throws {
        let identity = try TestAuthority.issue(
            by: TestAuthority.intermediate {
                $0.notBefore = .days(-3)
                $0.notAfter = .seconds(-3_600 - 60)
            })
        let problem = try await problem(with: identity)
        #expect(problem.reason == .expired)
        #expect(problem.depth == 1)
        let end = try #require(problem.certificate).notAfter
        #expect(
            "\(problem)" == """
                The certificate “CN=Coro Test Intermediate”, which the peer's hangs on, expired on \(end), 1 hour ago.
                """)
    }

    @Test func `moments are written in full, in UTC`() throws {
        let leaf = TestAuthority.localhost.leaf
        #expect(leaf.notBefore < leaf.notAfter)
        #expect(abs(leaf.notAfter.secondsSince1970 - leaf.notBefore.secondsSince1970 - 30 * 86_400 - 60) <= 1)
        var seconds = time_t(leaf.notAfter.secondsSince1970)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let text = "\(leaf.notAfter)"
        #expect(text.hasPrefix("\(parts.tm_year + 1900)-"))
        #expect(text.hasSuffix(" UTC"))
        #expect(text.utf8.count == "2026-11-21 12:00:00 UTC".utf8.count)
    }

    // MARK: Whose it is

    @Test func `another host's: whose it is and whose it should be`() async throws {
        let identity = try TestAuthority.issue(names: ["a.example", "b.example"])
        let problem = try await problem(with: identity)
        #expect(problem.reason == .wrongHost(expected: "localhost"))
        #expect(
            "\(problem)" == "The peer's certificate “CN=a.example” is not for localhost, but for a.example, b.example.")
    }

    @Test func `another address's`() async throws {
        let problem = try await problem(with: TestAuthority.localhost, host: "127.0.0.2")
        #expect(problem.reason == .wrongHost(expected: "127.0.0.2"))
        #expect(
            "\(problem)"
                == "The peer's certificate “CN=localhost” is not for 127.0.0.2, but for localhost, 127.0.0.1.")
    }

    @Test func `a name cannot say anything to a terminal, nor turn its text around`() async throws {
        let identity = try TestAuthority.issue { $0.commonName = "a\u{1B}[2Jb\u{9B}2Jc\u{202E}d\ne é" }
        #expect(identity.leaf.subject == "CN=a\\1B[2Jb?2Jc?d\\0Ae é")
    }

    @Test func `of many names the first few are told`() async throws {
        let identity = try TestAuthority.issue(names: (1...9).map { "n\($0).example" })
        #expect("\(try await problem(with: identity))".hasSuffix("n3.example, n4.example and 5 more."))
    }

    @Test func `a common name names no host`() async throws {
        let identity = try TestAuthority.issue(names: []) { $0.commonName = "localhost" }
        let problem = try await problem(with: identity)
        #expect(problem.reason == .wrongHost(expected: "localhost"))
        #expect("\(problem)" == "The peer's certificate “CN=localhost” is not for localhost: it names no host.")
    }

    @Test(arguments: ["127.0.0.1", "::1", "0:0:0:0:0:0:0:1"])
    func `an address is compared as an address, and not sent as a name`(_ host: String) async throws {
        try await withLoop { loop async throws in
            let identity = try TestAuthority.issue(names: ["127.0.0.1", "::1"])
            let pair = try await SecurePair(on: loop, nil, TLSServer(identity), host: host)
            #expect(pair.server.tls?.serverName == nil)
            #expect(identity.leaf.names == ["127.0.0.1", "::1"])
        }
    }

    @Test(arguments: ["a.example.org", "A.EXAMPLE.org", "xn--bcher-kva.example.org"])
    func `a wildcard stands for one label`(_ host: String) async throws {
        try await isAccepted(try TestAuthority.issue(names: ["*.example.org"]), host: host)
    }

    @Test(arguments: ["example.org", "a.b.example.org", "aexample.org"])
    func `a wildcard stands for neither none nor two labels`(_ host: String) async throws {
        let problem = try await problem(with: try TestAuthority.issue(names: ["*.example.org"]), host: host)
        #expect(problem.reason == .wrongHost(expected: host))
    }

    @Test(arguments: ["f*.example.org", "*.org", "*", "foo.*.org"])
    func `no other wildcards`(_ name: String) async throws {
        let problem = try await problem(with: try TestAuthority.issue(names: [name]), host: "foo.example.org")
        #expect(problem.reason == .wrongHost(expected: "foo.example.org"))
    }

    @Test func `the dot at the end of an absolute name is left out`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, host: "localhost.")
            #expect(pair.server.tls?.serverName == "localhost")
        }
    }

    @Test(arguments: [
        "", ".", ".example.org", "a..b", "good.example\0.evil.example", "a b", "bücher.example", "a\nb",
        "127.0.0.1\0.evil.example", "127.0.0.1 ", "::1\0",
    ])
    func `what is no host name is refused, and nothing is sent`(_ host: String) async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let client = try TestAuthority.client()
            let error = await failure { try await pair.left.startTLS(client, host: host) }
            #expect(error as? TLSError == .configuration("“\(host)” is no host name"))
            #expect(!pair.left.isOpen)
            #expect(try await pair.right.collect() == [])
        }
    }

    @Test func `what a certificate says cannot break a line`() throws {
        let identity = try TestAuthority.issue(names: ["evil.example"]) { $0.commonName = "a\nb\u{1B}[31m" }
        #expect(identity.leaf.subject == #"CN=a\0Ab\1B[31m"#)
    }

    // MARK: Who vouches for it

    @Test func `one that has signed itself`() async throws {
        let problem = try await problem(with: try .selfSigned(names: ["localhost"]))
        #expect(problem.reason == .selfSigned)
        #expect(
            "\(problem)" == "The peer's certificate “CN=localhost” is self-signed and not among those we trust.")
    }

    @Test func `one that has signed itself is its own root where it is trusted`() async throws {
        try await withLoop { loop async throws in
            let identity = try TLSIdentity.selfSigned()
            let client = try TestAuthority.client { $0.roots = .certificate(of: identity) }
            for host in ["localhost", "127.0.0.1", "::1"] {
                _ = try await SecurePair(on: loop, client, TLSServer(identity), host: host)
            }
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `an authority below a root, and a server itself, may be trusted without the root`(
        _ version: TLSVersion
    ) async throws {
        try await withLoop { loop async throws in
            let authority = try TestAuthority.intermediate()
            let identity = try TestAuthority.issue(by: authority)
            for trusted in [authority, identity] {
                let client = try TestAuthority.client {
                    $0.roots = .certificate(of: trusted)
                    $0.versions = version...version
                }
                _ = try await SecurePair(on: loop, client, TLSServer(identity))
                // And nobody else of that root.
                #expect(try await Refusal(on: loop, client).problem?.reason == .unknownIssuer)
            }
        }
    }

    @Test func `who trusts the certificate of an identity does not trust those that it hangs on`() async throws {
        try await withLoop { loop async throws in
            let leaf = try TestAuthority.issue(names: ["one.example"])
            let whole = try TLSIdentity(
                certificates: leaf.pem.certificates + TestAuthority.root.pem.certificates, key: leaf.pem.key)
            let client = try TestAuthority.client { $0.roots = .certificate(of: whole) }
            #expect(try await Refusal(on: loop, client).problem?.reason == .unknownIssuer)
        }
    }

    @Test func `one of an authority that nobody knows: which`() async throws {
        let problem = try await problem(with: try TestAuthority.issue(by: TestAuthority.stranger))
        #expect(problem.reason == .unknownIssuer)
        #expect(
            "\(problem)" == """
                The peer's certificate “CN=localhost” was issued by “CN=Nobody's Root”, whom we do not know to trust.
                """)
    }

    @Test func `an unknown root that is sent along is named`() async throws {
        let leaf = try TestAuthority.issue(by: TestAuthority.stranger)
        let whole = try TLSIdentity(
            certificates: leaf.pem.certificates + TestAuthority.stranger.pem.certificates, key: leaf.pem.key)
        let problem = try await problem(with: whole)
        #expect(problem.reason == .selfSigned)
        #expect(
            "\(problem)" == """
                The certificate “CN=Nobody's Root”, which the peer's hangs on, is self-signed and not among those we trust.
                """)
    }

    @Test func `a chain with its intermediate is accepted`() async throws {
        let identity = try TestAuthority.issue(by: TestAuthority.intermediate())
        #expect(identity.chain.count == 1)
        try await isAccepted(identity, host: "localhost")
    }

    @Test func `a chain without its intermediate is not`() async throws {
        let whole = try TestAuthority.issue(by: TestAuthority.intermediate())
        let problem = try await problem(with: TestAuthority.alone(whole))
        #expect(problem.reason == .unknownIssuer)
        #expect(problem.certificate?.issuer == "CN=Coro Test Intermediate")
    }

    @Test func `one that was issued by a server's certificate`() async throws {
        let server = try TestAuthority.issue(names: ["server.example"])
        let problem = try await problem(with: try TestAuthority.issue(by: server))
        #expect(problem.reason == .wrongPurpose)
        #expect(problem.depth == 1)
        #expect(
            "\(problem)"
                == "The certificate “CN=server.example”, which the peer's hangs on, is not meant for this use.")
    }

    @Test func `one that is for clients`() async throws {
        let problem = try await problem(with: try TestAuthority.issue { $0.uses = "clientAuth" })
        #expect(problem.reason == .wrongPurpose)
        #expect("\(problem)" == "The peer's certificate “CN=localhost” is not meant for this use.")
    }

    @Test func `an authority with a key of 1024 bits`() async throws {
        try await withLoop { loop async throws in
            var blank = TLSIdentity.Blank(names: [], commonName: "Weak Root")
            blank.isAuthority = true
            blank.key = .rsa(bits: 1024)
            let root = try blank.sign(by: nil)
            let client = try TestAuthority.client { $0.roots = .certificate(of: root) }
            let refusal = try await Refusal(on: loop, client, TLSServer(TestAuthority.issue(by: root)))
            #expect(refusal.problem?.reason == .weak)
            #expect(
                "\(try #require(refusal.problem))" == """
                    The certificate “CN=Weak Root”, which the peer's hangs on, is too weak: its key is too short, or it was \
                    signed with a hash that is broken.
                    """)
        }
    }

    @Test func `the system's roots do not know the test's`() async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.roots = .system }
            #expect(try await Refusal(on: loop, client).problem?.reason == .unknownIssuer)
        }
    }

    @Test func `roots of several places are all trusted`() async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client {
                $0.roots = [.system, .certificate(of: TestAuthority.stranger), .certificate(of: TestAuthority.root)]
            }
            _ = try await SecurePair(on: loop, client)
            _ = try await SecurePair(on: loop, client, TLSServer(TestAuthority.issue(by: TestAuthority.stranger)))
        }
    }

    @Test func `a client that does not verify takes anything, and says so by nothing`() async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.verifiesPeer = false }
            let identity = try TestAuthority.issue(names: ["other.example"], by: nil) { $0.notAfter = .seconds(-30) }
            let pair = try await SecurePair(on: loop, client, TLSServer(identity))
            try await pair.exchange()
            #expect(pair.client.tls?.peerCertificate == identity.leaf)
        }
    }

    @Test func `a client that does not verify blames no certificate for what else goes wrong`() async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client {
                $0.verifiesPeer = false
                $0.versions = .tls13 ... .tls13
            }
            let server = try TLSServer(.selfSigned(), .init(versions: .tls12 ... .tls12))
            #expect(try await Refusal(on: loop, client, server).problem == nil)
        }
    }
}
#endif
