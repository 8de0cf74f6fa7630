#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// What two sides agree on: the protocol inside, the version, who the server is.
@Suite struct NegotiationTests {
    // MARK: ALPN

    @Test func `the protocol inside is the server's first that the client offers`() async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.protocols = ["http/1.1", "h2", "x"] }
            let server = try TestAuthority.server(.init(protocols: ["h3", "h2", "http/1.1"]))
            let pair = try await SecurePair(on: loop, client, server)
            #expect(pair.client.tls?.applicationProtocol == "h2")
            #expect(pair.server.tls?.applicationProtocol == "h2")
        }
    }

    @Test(arguments: [["http/1.1"], []], [["h2"], []])
    func `who offers none, or asks for none, agrees on none`(_ offered: [String], _ known: [String]) async throws {
        guard offered.isEmpty || known.isEmpty else { return }
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.protocols = offered }
            let pair = try await SecurePair(on: loop, client, TestAuthority.server(.init(protocols: known)))
            #expect(pair.client.tls?.applicationProtocol == nil)
            #expect(pair.server.tls?.applicationProtocol == nil)
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `RFC 7301 §3.2: with no protocol in common the handshake fails, on both sides`(
        _ version: TLSVersion
    ) async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client {
                $0.protocols = ["h2"]
                $0.versions = version...version
            }
            let refusal = try await Refusal(on: loop, client, TestAuthority.server(.init(protocols: ["http/1.1"])))
            for error in [refusal.client, refusal.server] {
                let text = "\(try #require(error as? TLSError))"
                #expect(text.contains("no application protocol"))
                #expect(text.hasSuffix(": the two sides have no protocol in common to speak inside (ALPN)."))
            }
        }
    }

    /// What a server of TLS 1.2 says first, in its record: the protocol that it chooses is in it (RFC 5246 §7.4.1.3).
    private func serverHello(choosing name: String) -> [UInt8] {
        func counted(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes }
        let name = Array(name.utf8)
        let choice = [0, 16] + counted(counted([UInt8(name.count)] + name))
        // Without it OpenSSL takes the server for one that can be tricked (RFC 5746).
        let renegotiation: [UInt8] = [0xFF, 1, 0, 1, 0]
        let random = [UInt8](repeating: 7, count: 32)
        // No session; ECDHE_RSA_WITH_AES_128_GCM_SHA256; no compression.
        let hello = [3, 3] + random + [0, 0xC0, 0x2F, 0] + counted(choice + renegotiation)
        return [22, 3, 3] + counted([2, 0] + counted(hello))
    }

    /// How a client that offers http/1.1 takes a server that chooses `name` and then says no more, and what it answers.
    private func answer(toServerChoosing name: String) async throws -> (error: TLSError?, bytes: [UInt8]) {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let client = try TestAuthority.client {
                $0.protocols = ["http/1.1"]
                $0.versions = .tls12 ... .tls12
            }
            let connecting = loop.spawn { await failure { try await pair.left.startTLS(client, host: "localhost") } }
            _ = try await pair.right.read()
            try await pair.right.write(serverHello(choosing: name))
            pair.right.finishWriting()
            let bytes = try await pair.right.collect()
            return (try await connecting.value as? TLSError, bytes)
        }
    }

    @Test func `RFC 7301 §3.2: a server that chooses what was not offered is refused by OpenSSL, where it looks`()
        async throws
    {
        let accepted = try await answer(toServerChoosing: "http/1.1")
        #expect(accepted.error == .handshake("the peer closed the connection in the middle of it"))
        let refused = try await answer(toServerChoosing: "http/1.0")
        // An older one waits for the rest, and we look in its place (the next test).
        if refused.error != accepted.error {
            #expect(refused.error == .handshake("bad extension"))
            // decode_error, fatal.
            #expect(refused.bytes == [21, 3, 3, 0, 2, 2, 50])
        }
    }

    @Test func `RFC 7301 §3.2: OpenSSLs before 3.0.15 do not look, so we do`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let server = try TestAuthority.server(.init(protocols: ["h2"]))
            let accepting = loop.spawn { try await pair.right.startTLS(server) }
            let client = try TestAuthority.client { $0.protocols = ["h2"] }
            try pair.left.insert { transport, received in
                let layer = try client.makeLayer(transport, received: received, host: "localhost", port: nil)
                layer.offered = ["http/1.1"]
                return layer
            }
            await #expect(throws: TLSError.handshake("the server chose a protocol that was not offered (ALPN)")) {
                try await pair.left.shakeHands()
            }
            #expect(pair.left.tls == nil)
            try await accepting.value
        }
    }

    @Test(arguments: ["", String(repeating: "x", count: 256)])
    func `a protocol's name that cannot be sent is refused when the client is made`(_ name: String) {
        #expect(throws: TLSError.configuration("the protocol name “\(name)” must have 1 to 255 bytes")) {
            try TestAuthority.client { $0.protocols = ["h2", name] }
        }
    }

    @Test func `what is offered may be another's to say than the client's`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let server = try TestAuthority.server(.init(protocols: ["h2", "http/1.1"]))
            let accepting = loop.spawn { try await pair.right.startTLS(server) }
            let client = try TestAuthority.client { $0.protocols = ["h2"] }
            try await pair.left.startTLS(client, host: "localhost", port: nil, offering: ["http/1.1"])
            try await accepting.value
            #expect(pair.left.tls?.applicationProtocol == "http/1.1")
        }
    }

    // MARK: Versions

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `one version only, on either side`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let picky = try TestAuthority.client { $0.versions = version...version }
            let one = try await SecurePair(on: loop, picky)
            try await one.exchange()
            #expect(one.client.tls?.version == version)
            let other = try await SecurePair(on: loop, nil, TestAuthority.server(.init(versions: version...version)))
            try await other.exchange()
            #expect(other.server.tls?.version == version)
            #expect(other.client.tls?.cipher.isEmpty == false)
            #expect(other.client.tls?.cipher == other.server.tls?.cipher)
        }
    }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `no version in common is said on both sides`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.versions = version...version }
            let other = version == .tls12 ? TLSVersion.tls13 : .tls12
            let refusal = try await Refusal(
                on: loop, client, TestAuthority.server(.init(versions: other...other)))
            for error in [refusal.client, refusal.server] {
                let text = "\(try #require(error as? TLSError))"
                #expect(text.hasSuffix(": the two sides have no TLS version in common."), "\(text)")
            }
        }
    }

    @Test func `a peer that does not speak TLS is told apart`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            try await pair.right.write("HTTP/1.1 400 Bad Request\r\n\r\n")
            let client = try TestAuthority.client()
            let error = await failure { try await pair.left.startTLS(client, host: "localhost") }
            #expect("\(try #require(error))".hasSuffix(": the peer does not speak TLS on this port."))
            #expect(!pair.left.isOpen)
        }
    }

    @Test func `a client that speaks HTTP to a secure port`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            try await pair.left.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            let server = try TestAuthority.server()
            let error = await failure { try await pair.right.startTLS(server) }
            #expect(
                "\(try #require(error))" == """
                    The TLS handshake failed: http request: the peer does not speak TLS on this port.
                    """)
        }
    }

    @Test func `a peer that closes in the middle of the handshake`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let client = try TestAuthority.client()
            let connecting = loop.spawn { await failure { try await pair.left.startTLS(client, host: "localhost") } }
            _ = try await pair.right.read()
            pair.right.close()
            let error = try await connecting.value
            #expect(error as? TLSError == .handshake("the peer closed the connection in the middle of it"))
        }
    }

    // MARK: Server names

    @Test(arguments: [
        ("localhost", 0), ("a.example", 1), ("A.Example", 1), ("x.wild.example", 2), ("127.0.0.1", 0),
        ("unknown.example", 0), ("x.y.wild.example", 0), ("wild.example", 0),
    ])
    func `a client gets the identity of the name that it asks for, or the first`(
        _ host: String, _ index: Int
    ) async throws {
        try await withLoop { loop async throws in
            let identities = [
                TestAuthority.localhost, try TestAuthority.issue(names: ["a.example", "b.example"]),
                try TestAuthority.issue(names: ["*.wild.example"]),
            ]
            let client = try TestAuthority.client { $0.verifiesPeer = false }
            for version in [TLSVersion.tls12, .tls13] {
                let server = try TLSServer(identities, .init(protocols: ["h2"], versions: version...version))
                let pair = try await SecurePair(on: loop, client, server, host: host)
                #expect(pair.client.tls?.peerCertificate == identities[index].leaf)
                try await pair.exchange()
            }
        }
    }

    @Test func `a server has at least one identity`() {
        #expect(throws: TLSError.configuration("a server needs an identity")) { try TLSServer([]) }
    }

    @Test func `a key that is too short is refused when the server is made`() throws {
        let weak = try TestAuthority.issue { $0.key = .rsa(bits: 1024) }
        #expect(throws: TLSError.identity("ee key too small")) { try TLSServer(weak) }
        #expect(throws: TLSError.identity("ee key too small")) { try TestAuthority.client { $0.identity = weak } }
    }

    @Test func `an RSA key is as good as an elliptic one`() async throws {
        try await withLoop { loop async throws in
            let identity = try TestAuthority.issue { $0.key = .rsa(bits: 2048) }
            for version in [TLSVersion.tls12, .tls13] {
                let server = try TLSServer(identity, .init(versions: version...version))
                try await SecurePair(on: loop, nil, server).exchange()
            }
        }
    }

    // MARK: Reloading

    @Test func `after a reload old connections go on, and new ones get the new certificate`() async throws {
        try await withLoop { loop async throws in
            let server = try TestAuthority.server()
            let client = try TestAuthority.client { $0.resumesSessions = false }
            let old = try await SecurePair(on: loop, client, server)
            let renewed = try TestAuthority.issue()
            try server.reload([renewed])
            try await old.exchange()
            #expect(old.client.tls?.peerCertificate == TestAuthority.localhost.leaf)
            let new = try await SecurePair(on: loop, client, server)
            #expect(new.client.tls?.peerCertificate == renewed.leaf)
            try await new.exchange()
            try await old.exchange()
        }
    }

    @Test func `a handshake that is under way when the server is reloaded gets the old one whole`() async throws {
        try await withLoop { loop async throws in
            let server = try TestAuthority.server()
            let client = try TestAuthority.client()
            let pair = try StreamPair(on: loop)
            let plan = pair.right.inject(.smooth.with(.hang, atStep: 0))
            let accepting = loop.spawn { try await pair.right.startTLS(server) }
            let connecting = loop.spawn { try await pair.left.startTLS(client, host: "localhost") }
            while !plan.isReached { try await loop.moment() }
            try server.reload([try TestAuthority.issue()])
            plan.release()
            try await accepting.value
            try await connecting.value
            #expect(pair.left.tls?.peerCertificate == TestAuthority.localhost.leaf)
        }
    }

    @Test func `a reload that fails changes nothing`() async throws {
        try await withLoop { loop async throws in
            let server = try TestAuthority.server()
            #expect(throws: TLSError.configuration("a server needs an identity")) { try server.reload([]) }
            let weak = try TestAuthority.issue { $0.key = .rsa(bits: 1024) }
            #expect(throws: TLSError.identity("ee key too small")) { try server.reload([weak]) }
            _ = try await SecurePair(on: loop, nil, server)
        }
    }
}
#endif
