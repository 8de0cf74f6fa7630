#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// Connections that go on where an earlier one ended.
@Suite struct ResumptionTests {
    /// Connects, exchanges a few bytes, and tells whether it was a resumption; both sides must agree.
    @discardableResult
    private func isResumed(
        _ client: TLSClient, _ server: TLSServer, on loop: EventLoop, host: String = "localhost"
    ) async throws -> Bool {
        let pair = try await SecurePair(on: loop, client, server, host: host)
        try await pair.exchange()
        let session = try #require(pair.client.tls)
        #expect(session.isResumed == pair.server.tls?.isResumed)
        #expect(session.peerCertificate != nil)
        pair.client.close()
        #expect(try await pair.server.collect() == [])
        return session.isResumed
    }

    private func client(_ version: TLSVersion) throws -> TLSClient {
        try TestAuthority.client { $0.versions = version...version }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `the second connection to a host resumes the first one's session`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let (client, server) = (try client(version), try TestAuthority.server())
            #expect(try await !isResumed(client, server, on: loop))
            #expect(try await isResumed(client, server, on: loop))
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a ticket stays good when the server is reloaded`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let (client, server) = (try client(version), try TestAuthority.server())
            try await isResumed(client, server, on: loop)
            try server.reload([try TestAuthority.issue()])
            #expect(try await isResumed(client, server, on: loop))
        }
    }

    @Test func `RFC 8446 appendix C.4: a session is used once`() async throws {
        try await withLoop { loop async throws in
            let (client, server) = (try client(.tls13), try TestAuthority.server())
            try await isResumed(client, server, on: loop)
            // The two tickets of the first connection; nothing is read on these, so no more come.
            for expected in [true, true, false] {
                let pair = try await SecurePair(on: loop, client, server)
                #expect(pair.client.tls?.isResumed == expected)
            }
        }
    }

    @Test func `RFC 5077 §3.3: a session of TLS 1.2 is used again, since no other may come`() async throws {
        try await withLoop { loop async throws in
            let (client, server) = (try client(.tls12), try TestAuthority.server())
            try await isResumed(client, server, on: loop)
            for _ in 0..<3 { #expect(try await isResumed(client, server, on: loop)) }
            // Until it is refused; then it is followed by a new one.
            let another = try TestAuthority.server()
            #expect(try await !isResumed(client, another, on: loop))
            for _ in 0..<2 { #expect(try await isResumed(client, another, on: loop)) }
        }
    }

    @Test func `a session is of one host, one port and one client`() async throws {
        try await withLoop { loop async throws in
            let (client, server) = (try client(.tls13), try TestAuthority.server())
            try await isResumed(client, server, on: loop)
            #expect(try await !isResumed(client, server, on: loop, host: "127.0.0.1"))
            #expect(try await !isResumed(try self.client(.tls13), server, on: loop))
            let pair = try StreamPair(on: loop)
            let accepting = loop.spawn { try await pair.right.startTLS(server) }
            try await pair.left.startTLS(client, host: "localhost", port: 443)
            try await accepting.value
            #expect(pair.left.tls?.isResumed == false)
            #expect(try await isResumed(client, server, on: loop, host: "LOCALHOST"))
        }
    }

    // MARK: The keys of tickets

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `RFC 8446 §4.6.1: a key seals for twelve hours, opens for twelve more, and is gone`(
        _ version: TLSVersion
    ) async throws {
        try await withLoop { loop async throws in
            let clock = HandMovedClock()
            let server = try clock.server()
            let clients = try (0..<4).map { _ in try client(version) }
            for client in clients { try await isResumed(client, server, on: loop) }
            clock.advance(toHour: 12, minus: 1)
            #expect(try await isResumed(clients[0], server, on: loop))
            clock.advance(toHour: 12)
            #expect(try await isResumed(clients[1], server, on: loop))
            // A key's time is its own: that nobody asked for it when it began gives the one before no more.
            clock.advance(toHour: 24, minus: 1)
            #expect(try await isResumed(clients[2], server, on: loop))
            clock.advance(toHour: 24)
            #expect(try await !isResumed(clients[3], server, on: loop))
            // With TLS 1.3 it was given another, sealed with the second key.
            #expect(try await isResumed(clients[1], server, on: loop) == (version == .tls13))
        }
    }

    @Test func `a server that slept for days knows none of its old keys`() async throws {
        try await withLoop { loop async throws in
            let clock = HandMovedClock()
            let server = try clock.server()
            let client = try client(.tls13)
            try await isResumed(client, server, on: loop)
            clock.advance(toHour: 100)
            #expect(try await !isResumed(client, server, on: loop))
            #expect(try await isResumed(client, server, on: loop))
        }
    }

    @Test func `a ticket is good on every loop of a server, also while its keys change`() async throws {
        let clock = HandMovedClock()
        let server = try clock.server()
        let client = try client(.tls13)
        let threads = try (0..<3).map { try LoopThread(name: "loop \($0)") }
        defer { for thread in threads { try? thread.stop() } }
        try await withLoop { loop async throws in
            try await isResumed(client, server, on: loop)
            clock.advance(toHour: 13)
            for (index, thread) in threads.enumerated() {
                #expect(try await thread.loop.spawn { try await isResumed(client, server, on: thread.loop) }.value)
                clock.advance(toHour: 13 + index * 12)
            }
            // All at once.
            let tasks = threads.map { thread in
                thread.loop.spawn {
                    for hour in 50..<60 {
                        clock.advance(toHour: hour)
                        try await isResumed(try self.client(.tls13), server, on: thread.loop)
                    }
                }
            }
            for task in tasks { try await task.value }
        }
    }

    @Test func `another server's ticket is a full handshake, not an error`() async throws {
        try await withLoop { loop async throws in
            let client = try client(.tls13)
            try await isResumed(client, try TestAuthority.server(), on: loop)
            #expect(try await !isResumed(client, try TestAuthority.server(), on: loop))
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a server that issues no tickets resumes nothing`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let server = try TestAuthority.server(.init(issuesTickets: false))
            let client = try client(version)
            for _ in 0..<3 { #expect(try await !isResumed(client, server, on: loop)) }
        }
    }

    @Test func `a client that wants to resume nothing does not`() async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.resumesSessions = false }
            let server = try TestAuthority.server()
            for _ in 0..<3 { #expect(try await !isResumed(client, server, on: loop)) }
        }
    }

    @Test func `what a handshake has verified holds for those that resume it: the client's certificate too`()
        async throws
    {
        try await withLoop { loop async throws in
            let identity = try TestAuthority.issue(names: ["client.example"])
            let client = try TestAuthority.client { $0.identity = identity }
            let server = try TestAuthority.server(.init(clients: .required(.certificate(of: TestAuthority.root))))
            try await isResumed(client, server, on: loop)
            let pair = try await SecurePair(on: loop, client, server)
            #expect(pair.server.tls?.isResumed == true)
            #expect(pair.server.tls?.peerCertificate == identity.leaf)
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a client whose certificate has expired since is judged again`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let identity = try TestAuthority.issue(names: ["client.example"]) { $0.notAfter = .seconds(-5) }
            let client = try TestAuthority.client {
                $0.identity = identity
                $0.versions = version...version
            }
            let server = try TestAuthority.server(.init(clients: .required(.certificate(of: TestAuthority.root))))
            let pair = try StreamPair(on: loop)
            try pair.right.insert { transport, received in
                let layer = try server.makeLayer(transport, received: received)
                layer.judge(asOf: Int(identity.leaf.notAfter.secondsSince1970) - 10)
                return layer
            }
            let accepting = loop.spawn { try await pair.right.shakeHands() }
            try await pair.left.startTLS(client, host: "localhost")
            try await accepting.value
            try await pair.right.write("a")
            #expect(try await pair.left.read() == [UInt8(ascii: "a")])
            let refusal = try await Refusal(on: loop, client, server)
            guard case .certificate(let problem)? = refusal.server as? TLSError else {
                Issue.record("\(String(describing: refusal.server))")
                return
            }
            #expect(problem.reason == .expired)
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a server whose certificate has expired is not met again without being judged`(
        _ version: TLSVersion
    ) async throws {
        try await withLoop { loop async throws in
            // Who does not verify has such a session without waiting for the time to pass.
            let client = try TestAuthority.client {
                $0.verifiesPeer = false
                $0.versions = version...version
            }
            let server = try TLSServer(TestAuthority.issue { $0.notAfter = .seconds(-5) })
            for _ in 0..<3 { #expect(try await !isResumed(client, server, on: loop)) }
        }
    }

    @Test func `a client keeps few sessions of a host`() async throws {
        try await withLoop { loop async throws in
            let client = try client(.tls13)
            let identity = try TestAuthority.issue(names: ["*.example.org"])
            for _ in 0..<5 {
                // Another server each time: what is tried there is of no use, and two more come.
                let server = try TLSServer(identity)
                let pair = try await SecurePair(on: loop, client, server, host: "a.example.org")
                try await pair.exchange()
            }
            var kept = 0
            while let session = client.sessions.take("a.example.org:") {
                kept += 1
                SessionCache.free(session)
            }
            #expect(kept == 4)
        }
    }
}
#endif
