// Connections that must be made secure before they are served. What it takes to do that is given from outside
// (`HTTPServer+TLS.swift`), so that all else of the server is the same in a build without TLS.

internal import Coro
internal import HttpWire

/// How the connections of a secure port are secured. One for all of them.
final class ServerSecurity: Sendable {
    /// From the first moment of a connection to the end of its handshake.
    let timeout: Duration
    let shakeHands: @Sendable (ByteStream) async throws -> Void
    let whenRefused: (@Sendable (any Error, SocketAddress?) -> Void)?

    init(
        timeout: Duration, whenRefused: (@Sendable (any Error, SocketAddress?) -> Void)?,
        shakeHands: @escaping @Sendable (ByteStream) async throws -> Void
    ) {
        self.timeout = timeout
        self.whenRefused = whenRefused
        self.shakeHands = shakeHands
    }
}

/// A client that speaks plain HTTP on a secure port.
private struct SpeaksPlainHTTP: Error, CustomStringConvertible {
    var description: String { "The client spoke plain HTTP on a port for https." }
}

/// A client that went without a word: a port that was looked at, a pool that was warmed. Nobody's failure.
private struct SaidNothing: Error {}

extension ServerConnection {
    /// Makes the connection secure; false when there is nobody to be served.
    @inline(never)
    func secure(by security: ServerSecurity) async -> Bool {
        enter(.handshake)
        // Once refused it is closed, and nobody can tell any more who it was.
        let peer = security.whenRefused == nil ? nil : stream.peerAddress
        do {
            try await stream.loop.withTimeout(security.timeout, "The client took too long to begin a TLS session.") {
                try await hearFirstByte()
                try await security.shakeHands(stream)
            }
            enter(.head)
            return true
        } catch is SaidNothing {
            return false
        } catch {
            // A server that is stopping ends handshakes itself.
            if !server.isDraining {
                server.refusedCount += 1
                security.whenRefused?(error, peer)
            }
            if error is SpeaksPlainHTTP { await tellToUseHTTPS() }
            return false
        }
    }

    /// Waits until the client has said something, and looks what. Whoever only connects costs no more than this.
    private func hearFirstByte() async throws {
        do {
            guard try await stream.fill(), let first = stream.unread.first else { throw SaidNothing() }
            // A TLS session begins with 22 (RFC 8446 §5.1), a request with its method.
            if UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first { throw SpeaksPlainHTTP() }
        } catch StreamError.broken {
            throw SaidNothing()
        }
    }

    private func tellToUseHTTPS() async {
        await refuse(status: .badRequest, "This port speaks https only. Ask again with https:// before the host.\n")
        await end()
    }
}
