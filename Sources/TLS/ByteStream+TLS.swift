// From plain to secure: the handshake, as the stream's user sees it.
#if TLS

public import Coro

extension ByteStream {
    /// Secures the connection as its client, now or after real traffic (STARTTLS). From then on everything that is read and
    /// written goes through TLS; the stream's rules stay what they were.
    ///
    /// Nobody may be reading or writing. What is queued is sent first, in the clear. What has been received and not read is
    /// taken for the beginning of the peer's TLS, never for something that was said inside it.
    ///
    /// - Parameters:
    ///   - client: whom to trust, and what to offer.
    ///   - host: the name or address that the peer's certificate must be for; sent as server name, unless it is an address.
    ///   - port: tells the sessions of one host's servers apart.
    /// - Runs on: the loop's thread. Obeys the task's deadline and `handshakeTimeout`, whichever comes first.
    /// - Throws: `TLSError`, `StreamError`, `TimeoutError`, `CancellationError`, `LoopError.closed`. The connection is closed
    ///   then, but for `StreamError.wrongThread` and `.busy` and `TLSError.alreadySecure`, after which it is as before.
    public func startTLS(_ client: TLSClient, host: String, port: UInt16? = nil) async throws {
        try await secure(within: client.options.handshakeTimeout) { transport, received in
            try client.makeLayer(transport, received: received, host: host, port: port)
        }
    }

    /// The same, with other protocols to be spoken inside than those of the client's options, and with no other deadline
    /// than the task's.
    package func startTLS(_ client: TLSClient, host: String, port: UInt16?, offering: [String]) async throws {
        try await secure(within: nil) { transport, received in
            try client.makeLayer(transport, received: received, host: host, port: port, offering: offering)
        }
    }

    /// Secures the connection as its server. See `startTLS(_:host:port:)`.
    public func startTLS(_ server: TLSServer) async throws {
        try await secure(within: server.options.handshakeTimeout) { transport, received in
            try server.makeLayer(transport, received: received)
        }
    }

    /// What was agreed on with the peer; nil while the connection is not secure.
    public var tls: TLSSession? { (layer as? TLSLayer)?.session }

    private func secure(
        within limit: Duration?, _ make: @escaping (StreamTransport, [UInt8]) throws -> TLSLayer
    ) async throws {
        guard loop.isCurrent else { throw StreamError.wrongThread }
        if layer != nil { throw TLSError.alreadySecure }
        do {
            guard let limit else { return try await shakeHands(make) }
            try await loop.withTimeout(limit, "The TLS handshake was not done within \(limit).") {
                try await shakeHands(make)
            }
        } catch StreamError.busy(let what) {
            throw StreamError.busy(what)
        } catch TLSError.alreadySecure {
            throw TLSError.alreadySecure
        } catch {
            // Half a handshake is of no use to anybody, and who wanted a secure connection is not to go on without.
            close()
            throw error
        }
    }

    private func shakeHands(_ make: (StreamTransport, [UInt8]) throws -> TLSLayer) async throws {
        // What was said in the clear goes first: "220 ready for TLS".
        try await flush()
        if layer != nil { throw TLSError.alreadySecure }
        try insert(make)
        guard let layer = layer as? TLSLayer else { return }
        while true {
            switch layer.shakeHands() {
            case .done: return sendAppended()
            case .wantsToReceive: try await waitUntilReadable()
            case .wantsToSend: try await waitUntilWritable()
            case .failed(let error): throw error
            }
        }
    }
}
#endif
