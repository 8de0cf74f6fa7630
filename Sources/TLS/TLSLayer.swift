// One secured connection: OpenSSL's state machine between a stream and its transport.
//
// OpenSSL never touches the descriptor. It asks for bytes and hands over bytes through a BIO of ours (`StreamBIO`), which are
// the transport's two calls, so that waiting, faults, counting and closing are the stream's here as elsewhere. What the
// stream's user wrote waits as plain text in the stream's own buffer and is enciphered when the kernel has room.

internal import Coro
#if TLS

internal import COpenSSL

final class TLSLayer: StreamLayer {
    private let transport: StreamTransport
    /// What the stream had received before it was secured: the beginning of the peer's TLS.
    private var received: ArraySlice<UInt8>
    /// The contexts, or the client, that callbacks look things up in.
    let owner: AnyObject
    private let context: TLSContext
    private var ssl: OpaquePointer?
    /// The transport's own failure, which OpenSSL cannot carry.
    private var failure: StreamError?
    /// OpenSSL must not be asked to say farewell after it has failed (SSL_shutdown(3)).
    private var isBroken = false
    /// The transport's last byte has come.
    private(set) var sawEnd = false
    /// What is wrong with the peer's chain, once it has been found.
    var problem: CertificateProblem?
    /// Where this connection's sessions are kept.
    var sessions: SessionCache?
    var sessionKey = ""
    /// What was agreed on, once the handshake is done.
    private(set) var session: TLSSession?

    init(
        _ transport: StreamTransport, received: [UInt8], context: TLSContext, keeping owner: AnyObject
    ) throws(TLSError) {
        self.transport = transport
        self.received = received[...]
        self.context = context
        self.owner = owner
    }

    /// Makes the state machine.
    func open() throws(TLSError) -> OpaquePointer {
        OpenSSLErrors.clear()
        guard let ssl = SSL_new(context.pointer), let bio = StreamBIO.make(for: self) else {
            throw .configuration(OpenSSLErrors.takeReason())
        }
        self.ssl = ssl
        // One for both directions: SSL_set_bio(3) then takes one reference.
        SSL_set_bio(ssl, bio, bio)
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        return ssl
    }

    deinit { close(orderly: false) }

    /// The layer that an SSL belongs to.
    static func of(_ ssl: OpaquePointer?) -> TLSLayer? {
        // SAFETY: `open` puts it there, and the SSL is freed before the layer is gone.
        SSL_get_ex_data(ssl, 0).map { Unmanaged<TLSLayer>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: The handshake

    enum HandshakeStep {
        case done, wantsToReceive, wantsToSend
        case failed(any Error)
    }

    /// Goes on with the handshake as far as the transport lets it.
    func shakeHands() -> HandshakeStep {
        guard let ssl else { return .failed(StreamError.closed) }
        OpenSSLErrors.clear()
        let result = SSL_do_handshake(ssl)
        guard result != 1 else {
            session = TLSSession(ssl)
            return .done
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsToReceive
        case SSL_ERROR_WANT_WRITE: return .wantsToSend
        default:
            isBroken = true
            return .failed(handshakeFailure())
        }
    }

    private func handshakeFailure() -> any Error {
        let cause = OpenSSLErrors.takeCause()
        if let problem { return TLSError.certificate(problem) }
        if sawEnd { return TLSError.handshake("the peer closed the connection in the middle of it") }
        if cause == 0, let failure { return failure }
        return TLSError.handshake(OpenSSLErrors.reason(of: cause))
    }

    // MARK: Bytes

    func receive(into room: UnsafeMutableRawBufferPointer) -> StreamProgress {
        guard let ssl else { return .failed(.closed) }
        OpenSSLErrors.clear()
        var count = 0
        let result = SSL_read_ex(ssl, room.baseAddress, room.count, &count)
        return result == 1 ? .moved(count) : outcome(of: result, ssl)
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> StreamProgress {
        guard let ssl else { return .failed(.closed) }
        guard !bytes.isEmpty else { return .moved(0) }
        OpenSSLErrors.clear()
        var count = 0
        let result = SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count)
        return result == 1 ? .moved(count) : outcome(of: result, ssl)
    }

    private func outcome(of result: Int32, _ ssl: OpaquePointer) -> StreamProgress {
        switch SSL_get_error(ssl, result) {
        // Without renegotiation neither direction ever waits for the other one's readiness.
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .end
        default:
            isBroken = true
            let cause = OpenSSLErrors.takeCause()
            if OpenSSLErrors.isTruncation(cause) { return .failed(.truncated) }
            // A cause outranks the transport's failure: that may be the alert that nobody was there to take.
            if cause == 0, let failure { return .failed(failure) }
            return .failed(cause == 0 && sawEnd ? .truncated : .tls(OpenSSLErrors.reason(of: cause)))
        }
    }

    // MARK: The end

    func finish() -> StreamProgress {
        guard let ssl, !isBroken, SSL_is_init_finished(ssl) == 1 else { return .end }
        guard SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else { return .end }
        OpenSSLErrors.clear()
        // 0: said, and the peer has not answered, which we do not wait for.
        let result = SSL_shutdown(ssl)
        return result >= 0 ? .end : outcome(of: result, ssl)
    }

    func close(orderly: Bool) {
        guard ssl != nil else { return }
        // With TLS 1.3 a client that only writes has always something unread: the server's tickets.
        if orderly, case .end = finish() { transport.drain() }
        guard let ssl = ssl.take() else { return }
        // Freed without a farewell, it would mark its session as not to be resumed, which only a broken one deserves.
        if !isBroken { SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
        SSL_free(ssl)
        received = []
    }

    // MARK: The BIO's side

    /// Receives for OpenSSL: what the stream had received already, then from the transport.
    func receiveCiphertext(into room: UnsafeMutableRawBufferPointer) -> StreamProgress {
        guard received.isEmpty else {
            let count = min(room.count, received.count)
            room.copyBytes(from: received.prefix(count))
            received.removeFirst(count)
            return .moved(count)
        }
        let progress = transport.receive(into: room)
        switch progress {
        case .end: sawEnd = true
        case .failed(let error): failure = error
        case .moved, .wouldBlock: break
        }
        return progress
    }

    /// Sends for OpenSSL.
    func sendCiphertext(_ bytes: UnsafeRawBufferPointer) -> StreamProgress {
        let progress = transport.send(bytes)
        if case .failed(let error) = progress { failure = error }
        return progress
    }
}
#endif
