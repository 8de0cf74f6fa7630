#if TLS

@testable import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// Two ends of one secured connection.
struct SecurePair {
    let client: ByteStream
    let server: ByteStream

    init(
        on loop: EventLoop, _ client: TLSClient? = nil, _ server: TLSServer? = nil, host: String = "localhost",
        bufferBytes: Int32? = nil
    ) async throws {
        let pair = try StreamPair(on: loop, bufferBytes: bufferBytes)
        let client = try client ?? TestAuthority.client()
        let server = try server ?? TestAuthority.server()
        self.client = pair.left
        self.server = pair.right
        try await loop.withScope { scope in
            scope.spawn { try await pair.left.startTLS(client, host: host) }
            scope.spawn { try await pair.right.startTLS(server) }
        }
    }

    /// Writes on one side and reads on the other, both ways.
    func exchange() async throws {
        for (from, to) in [(client, server), (server, client)] {
            try await from.write("ping\n")
            #expect(try await to.read(until: 10) == Array("ping\n".utf8))
        }
    }
}

/// How a handshake ended that was not to succeed; nil for a side that had nothing against it.
struct Refusal {
    let client: (any Error)?
    let server: (any Error)?

    init(
        on loop: EventLoop, _ client: TLSClient? = nil, _ server: TLSServer? = nil, host: String = "localhost"
    ) async throws {
        let pair = try StreamPair(on: loop)
        let client = try client ?? TestAuthority.client()
        let server = try server ?? TestAuthority.server()
        let connecting = loop.spawn { await failure { try await pair.left.startTLS(client, host: host) } }
        let accepting = loop.spawn { await failure { try await pair.right.startTLS(server) } }
        self.client = try await connecting.value
        self.server = try await accepting.value
        pair.close()
    }

    /// What the client found wrong with the server's certificate.
    var problem: CertificateProblem? {
        if case .certificate(let problem)? = client as? TLSError { problem } else { nil }
    }
}

/// What `body` throws; nil when it does not.
func failure(of body: () async throws -> Void) async -> (any Error)? {
    do { try await body() } catch { return error }
    return nil
}

extension ByteStream {
    /// Goes through the handshake of a layer that was put in by hand.
    func shakeHands() async throws {
        while let layer = layer as? TLSLayer {
            switch layer.shakeHands() {
            case .done: return
            case .wantsToReceive: try await waitUntilReadable()
            case .wantsToSend: try await waitUntilWritable()
            case .failed(let error): throw error
            }
        }
    }

    /// Ends the connection below TLS, as a broken network or an attacker would.
    func cutWithoutFarewell() {
        // With the server's tickets unread it would be RST instead of FIN.
        _ = receiveUnannouncedNow()
        (layer as? TLSLayer)?.close(orderly: false)
        // A child that another test is just starting may have the socket too, and keep it open until it is exec'd.
        shutdown(channel.descriptor, Int32(SHUT_RDWR))
        close()
    }
}
#endif
