#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// Certificates that their issuers have taken back, and those of which nobody can tell.
@Suite struct RevocationTests {
    private let roots = TLSRoots.certificate(of: TestAuthority.root)

    private func lists(_ pem: String...) -> TLSRevocationLists { .pem(Array(pem.joined().utf8)) }

    /// What the root has taken back.
    private func list(_ revoked: TLSIdentity.Revoked...) throws -> TLSRevocationLists {
        lists(try TestAuthority.root.revocationList(revoked))
    }

    private func problem(with identity: TLSIdentity, _ revocation: TLSRevocation) async throws -> CertificateProblem? {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.revocation = revocation }
            return try await Refusal(on: loop, client, TLSServer(identity)).problem
        }
    }

    // MARK: A server's

    @Test func `one that was revoked: since when, and why`() async throws {
        let identity = try TestAuthority.issue()
        let revoked = TLSIdentity.Revoked(identity, since: .days(-3), because: .keyCompromise)
        let problem = try #require(await problem(with: identity, .leaf(list(revoked))))
        guard case .revoked(let since, .keyCompromise) = problem.reason else {
            Issue.record("\(problem.reason)")
            return
        }
        #expect(problem.certificate == identity.leaf)
        #expect(problem.depth == 0)
        #expect(
            "\(TLSError.certificate(problem))" == """
                The peer's certificate “CN=localhost” was revoked on \(since), 3 days ago: its key is known to others.
                """)
    }

    @Test func `one that was revoked without a reason`() async throws {
        let identity = try TestAuthority.issue()
        let problem = try #require(
            await problem(with: identity, .leaf(list(TLSIdentity.Revoked(identity, since: .days(-1))))))
        guard case .revoked(let since, nil) = problem.reason else {
            Issue.record("\(problem.reason)")
            return
        }
        #expect("\(problem)" == "The peer's certificate “CN=localhost” was revoked on \(since), 1 day ago.")
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `one that is not on its issuer's list is accepted`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let other = try TestAuthority.issue()
            let client = try TestAuthority.client {
                $0.revocation = .leaf(try! list(TLSIdentity.Revoked(other)))
                $0.versions = version...version
            }
            try await SecurePair(on: loop, client).exchange()
        }
    }

    @Test func `without a list of its issuer it may have been revoked, and is refused`() async throws {
        let strangers = lists(try TestAuthority.stranger.revocationList())
        for revocation in [TLSRevocation.leaf([]), .leaf(strangers), .chain([])] {
            let problem = try #require(await problem(with: TestAuthority.localhost, revocation))
            #expect(problem.reason == .noRevocationList)
            #expect(
                "\(problem)" == """
                    The peer's certificate “CN=localhost” may have been revoked: no revocation list of its issuer \
                    “CN=Coro Test Root” is at hand.
                    """)
        }
    }

    @Test func `a list whose time is over tells nothing any more: since when`() async throws {
        let old = try TestAuthority.root.revocationList([], from: .days(-9), until: .seconds(-2 * 3_600 - 60))
        let problem = try #require(await problem(with: TestAuthority.localhost, .leaf(lists(old))))
        guard case .expiredRevocationList(let since) = problem.reason else {
            Issue.record("\(problem.reason)")
            return
        }
        #expect(
            "\(problem)" == """
                The peer's certificate “CN=localhost” may have been revoked: the revocation list of its issuer \
                “CN=Coro Test Root” expired on \(since), 2 hours ago.
                """)
        // The newer of two is the one that counts.
        let new = try TestAuthority.root.revocationList()
        #expect(try await self.problem(with: TestAuthority.localhost, .leaf(lists(old, new))) == nil)
    }

    @Test func `a list that somebody else has signed is none`() async throws {
        var blank = TLSIdentity.Blank(names: [], commonName: "Coro Test Root")
        blank.isAuthority = true
        let forged = try blank.sign(by: nil).revocationList()
        let problem = try #require(await problem(with: TestAuthority.localhost, .leaf(lists(forged))))
        #expect("\(problem)".contains("CRL signature failure"))
    }

    // MARK: Its issuers'

    @Test func `of an authority only the whole chain's check knows that it was revoked`() async throws {
        let intermediate = try TestAuthority.intermediate()
        let identity = try TestAuthority.issue(by: intermediate)
        let roots = try TestAuthority.root.revocationList([.init(intermediate, because: .cessationOfOperation)])
        let its = try intermediate.revocationList()
        // It is looked up in its issuer's list, which nobody asks of whom that hangs on.
        #expect(try await problem(with: identity, .leaf(lists(its))) == nil)
        let problem = try #require(await problem(with: identity, .chain([lists(its), lists(roots)])))
        #expect(problem.depth == 1)
        #expect(problem.certificate == intermediate.leaf)
        guard case .revoked(_, .cessationOfOperation) = problem.reason else {
            Issue.record("\(problem.reason)")
            return
        }
        #expect("\(problem)".hasPrefix("The certificate “CN=Coro Test Intermediate”, which the peer's hangs on, was "))
    }

    @Test func `the whole chain's check wants a list of each issuer`() async throws {
        let intermediate = try TestAuthority.intermediate()
        let identity = try TestAuthority.issue(by: intermediate)
        let (its, roots) = (try intermediate.revocationList(), try TestAuthority.root.revocationList())
        let problem = try #require(await problem(with: identity, .chain(lists(its))))
        #expect(problem.reason == .noRevocationList)
        #expect(problem.depth == 1)
        #expect(try await self.problem(with: identity, .chain(lists(its + roots))) == nil)
    }

    // MARK: A client's

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a server refuses clients whose certificates were revoked`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let (good, bad) = (try TestAuthority.issue(names: ["ada"]), try TestAuthority.issue(names: ["mallory"]))
            let server = try TestAuthority.server(
                .init(clients: .required(roots), revocation: .leaf(list(.init(bad, because: .privilegeWithdrawn)))))
            func client(_ identity: TLSIdentity) throws -> TLSClient {
                try TestAuthority.client {
                    $0.identity = identity
                    $0.versions = version...version
                }
            }
            try await SecurePair(on: loop, client(good), server).exchange()
            guard case .certificate(let problem)? = try await Refusal(on: loop, client(bad), server).server as? TLSError
            else {
                Issue.record("it was let in")
                return
            }
            #expect(problem.certificate == bad.leaf)
            guard case .revoked(_, .privilegeWithdrawn) = problem.reason else {
                Issue.record("\(problem.reason)")
                return
            }
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a reload reads the lists again, and no ticket lets in who is on them now`(_ version: TLSVersion) async throws
    {
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            let path = folder.file("list.crl", try TestAuthority.root.revocationList())
            let server = try TestAuthority.server(.init(clients: .required(roots), revocation: .leaf(.file(path))))
            let identity = try TestAuthority.issue(names: ["mallory"])
            let client = try TestAuthority.client {
                $0.identity = identity
                $0.versions = version...version
            }
            let before = try await SecurePair(on: loop, client, server)
            try await before.exchange()
            _ = folder.file("list.crl", try TestAuthority.root.revocationList([.init(identity)]))
            let resumed = try await SecurePair(on: loop, client, server)
            #expect(resumed.server.tls?.isResumed == true)
            try await resumed.exchange()
            try server.reload([TestAuthority.localhost])
            #expect("\(try #require(await Refusal(on: loop, client, server).server))".contains("was revoked on"))
            // Who is there already stays.
            try await resumed.exchange()
        }
    }

    // MARK: What cannot be used

    @Test func `a file that is not there, and text that is no list, are refused when they are read`() throws {
        #expect(throws: TLSError.revocationLists("/nonexistent: No such file or directory")) {
            try TestAuthority.client { $0.revocation = .leaf(.file("/nonexistent")) }
        }
        #expect(throws: TLSError.revocationLists("there is no revocation list in it (PEM)")) {
            try TestAuthority.server(
                .init(
                    clients: .optional(roots),
                    revocation: .chain(.pem(Array(TestAuthority.root.pem.certificates.utf8)))))
        }
        #expect(
            "\(TLSError.revocationLists("x: there is none"))"
                == "The revocation lists cannot be used: x: there is none.")
        // Who verifies nobody is told all the same.
        #expect(throws: TLSError.self) { try TestAuthority.server(.init(revocation: .leaf(.file("/nonexistent")))) }
        #expect(throws: TLSError.self) {
            try TestAuthority.client {
                $0.revocation = .leaf(.file("/nonexistent"))
                $0.verifiesPeer = false
            }
        }
    }
}
#endif
