// https: the same server, on connections that are secured first.
#if TLS

public import Coro
public import CoroTLS

extension HTTPServer {
    /// Starts accepting connections on `address` that are secure before anything is read of them. May be called for
    /// several addresses, and beside plain ones; `Request.isSecure` tells them apart.
    ///
    ///     let tls = try TLSServer(identity, .init(protocols: ["http/1.1"]))
    ///     try await server.listen(on: .loopback(port: 8443), tls: tls)
    ///
    /// The task of a connection shakes hands before it serves, within the `handshakeTimeout` of `tls`; meanwhile it
    /// counts as a connection. One whose handshake fails is closed and counted in `refusedCount`: on the open Internet
    /// scanners make that an everyday thing, and it is not reported. Plain HTTP is answered with 400.
    ///
    /// - Parameter whenRefused: told of each connection that did not become secure, why, and whose it was. Loop's thread.
    /// - Returns: the address, with the port the kernel chose when 0 was asked for.
    /// - Throws: `IOError` when it cannot be bound; `LoopError.closed`.
    @discardableResult
    public func listen(
        on address: SocketAddress, reusePort: Bool = false, tls: TLSServer,
        whenRefused: (@Sendable (any Error, SocketAddress?) -> Void)? = nil
    ) async throws -> SocketAddress {
        try await listen(on: address, reusePort: reusePort, securedBy: security(by: tls, whenRefused))
    }

    /// Starts accepting the connections of a listener of yours, which are secure before anything is read of them. See
    /// `listen(on:tls:)` for the one, `listen(on:)` with a listener for the other.
    ///
    /// - Throws: `LoopError.closed`.
    public func listen(
        on listener: Listener, tls: TLSServer, whenRefused: (@Sendable (any Error, SocketAddress?) -> Void)? = nil
    ) async throws {
        try await listen(on: listener, securedBy: security(by: tls, whenRefused))
    }

    private func security(
        by tls: TLSServer, _ whenRefused: (@Sendable (any Error, SocketAddress?) -> Void)?
    ) -> ServerSecurity {
        ServerSecurity(timeout: tls.options.handshakeTimeout, whenRefused: whenRefused) { stream in
            try await stream.startTLS(tls)
        }
    }
}
#endif
