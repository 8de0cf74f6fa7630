#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// Clients that show who they are, and those that cannot.
@Suite struct ClientCertificateTests {
    private let roots = TLSRoots.certificate(of: TestAuthority.root)

    private func client(_ identity: TLSIdentity?, _ version: TLSVersion = .tls13) throws -> TLSClient {
        try TestAuthority.client {
            $0.identity = identity
            $0.versions = version...version
        }
    }

    @Test func `a server that does not ask is shown nothing`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, client(TestAuthority.issue(names: ["me"])))
            #expect(pair.server.tls?.peerCertificate == nil)
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a server that asks knows who it is`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let identity = try TestAuthority.issue(names: ["client.example"], by: TestAuthority.intermediate())
            for verification in [TLSServer.ClientVerification.optional(roots), .required(roots)] {
                let server = try TestAuthority.server(.init(clients: verification))
                let pair = try await SecurePair(on: loop, client(identity, version), server)
                try await pair.exchange()
                #expect(pair.server.tls?.peerCertificate == identity.leaf)
            }
        }
    }

    @Test func `who has none may come in where it is optional`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(
                on: loop, client(nil), TestAuthority.server(.init(clients: .optional(roots))))
            try await pair.exchange()
            #expect(pair.server.tls?.peerCertificate == nil)
        }
    }

    @Test func `who has none stays out where it is required, and both are told`() async throws {
        try await withLoop { loop async throws in
            let server = try TestAuthority.server(.init(clients: .required(roots)))
            let pair = try StreamPair(on: loop)
            let client = try client(nil)
            let accepting = loop.spawn { await failure { try await pair.right.startTLS(server) } }
            // With TLS 1.3 the client has done its part before the server looks at it.
            try await pair.left.startTLS(client, host: "localhost")
            #expect(
                "\(try #require(try await accepting.value as? TLSError))" == """
                    The TLS handshake failed: peer did not return a certificate: the peer must show one, and has none.
                    """)
            let error = try #require(await failure { _ = try await pair.left.read() })
            #expect(
                "\(error)" == """
                    TLS failed: tlsv13 alert certificate required: the peer wants a certificate of ours.
                    """)
            // And again: it does not turn into an end.
            #expect(await failure { _ = try await pair.left.read() } as? StreamError == error as? StreamError)
        }
    }

    @Test func `with TLS 1.2 the client is told in the handshake`() async throws {
        try await withLoop { loop async throws in
            let refusal = try await Refusal(
                on: loop, client(nil, .tls12), TestAuthority.server(.init(clients: .required(roots))))
            #expect("\(try #require(refusal.server))".contains("peer did not return a certificate"))
            #expect(
                "\(try #require(refusal.client))" == """
                    The TLS handshake failed: sslv3 alert handshake failure: the two sides have no cipher in common, or the peer \
                    wants a certificate of ours.
                    """)
        }
    }

    @Test(arguments: [true, false])
    func `a certificate of somebody unknown is refused, also where none is required`(_ isRequired: Bool) async throws {
        try await withLoop { loop async throws in
            let identity = try TestAuthority.issue(names: ["mallory"], by: TestAuthority.stranger)
            let server = try TestAuthority.server(.init(clients: isRequired ? .required(roots) : .optional(roots)))
            let pair = try StreamPair(on: loop)
            let client = try client(identity)
            let accepting = loop.spawn { await failure { try await pair.right.startTLS(server) } }
            try await pair.left.startTLS(client, host: "localhost")
            #expect(
                "\(try #require(try await accepting.value as? TLSError))" == """
                    The peer's certificate “CN=mallory” was issued by “CN=Nobody's Root”, whom we do not know to trust.
                    """)
            let error = try #require(await failure { _ = try await pair.left.read() })
            #expect(
                "\(error)" == """
                    TLS failed: tlsv1 alert unknown ca: the peer does not trust whoever has issued our certificate.
                    """)
        }
    }

    @Test func `a certificate that is for servers is not for clients, and an old one is not for anybody`() async throws
    {
        try await withLoop { loop async throws in
            let server = try TestAuthority.server(.init(clients: .required(roots)))
            for (reason, identity) in [
                (CertificateProblem.Reason.wrongPurpose, try TestAuthority.issue { $0.uses = "serverAuth" }),
                (.expired, try TestAuthority.issue { $0.notAfter = .seconds(-5) }),
            ] {
                let refusal = try await Refusal(on: loop, client(identity, .tls12), server)
                guard case .certificate(let problem)? = refusal.server as? TLSError else {
                    Issue.record("\(String(describing: refusal.server))")
                    continue
                }
                #expect(problem.reason == reason)
            }
        }
    }
}
#endif
