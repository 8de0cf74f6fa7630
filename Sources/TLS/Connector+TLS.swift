// Connections that are secure from their first byte.
#if TLS

public import Coro

extension Connector {
    /// Connects to `host` and secures the connection. The task's deadline covers name, connection and handshake.
    ///
    /// - Parameters:
    ///   - client: whom to trust, and what to offer.
    ///   - serverName: whom the certificate must name, when that is not `host`.
    /// - Throws: as `connect(host:port:)` and `ByteStream.startTLS(_:host:port:)`.
    public func connect(
        host: String, port: UInt16, tls client: TLSClient, serverName: String? = nil
    ) async throws -> ByteStream {
        let stream = try await connect(host: host, port: port)
        try await stream.startTLS(client, host: serverName ?? host, port: port)
        return stream
    }
}

extension Listener {
    /// Serves as `serve(connectionsMax:grace:_:)` does, with connections that are secure when `handler` gets them.
    ///
    /// A handshake that fails is reported, and ends that connection alone. Handshakes count as connections.
    public func serve(
        tls server: TLSServer, connectionsMax: Int = .max, grace: Duration = .seconds(10),
        _ handler: @escaping @Sendable (ByteStream) async throws -> Void
    ) async throws {
        try await serve(connectionsMax: connectionsMax, grace: grace) { stream in
            try await stream.startTLS(server)
            try await handler(stream)
        }
    }
}
#endif
