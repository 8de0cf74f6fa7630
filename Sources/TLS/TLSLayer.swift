// One secured connection: OpenSSL's state machine between a stream and its transport.
//
// OpenSSL never touches the descriptor. It asks for bytes and hands over bytes through a BIO of ours (`StreamBIO`), which are
// the transport's two calls, so that waiting, faults, counting and closing are the stream's here as elsewhere. What the
// stream's user wrote waits as plain text in the stream's own buffer and is enciphered when the kernel has room.

internal import Coro
#if TLS

internal import COpenSSL
internal import Glibc

final class TLSLayer: StreamLayer {
    // One thread touches all of this. What is looked at with every record goes without run-time exclusivity checks, which could
    // only ever pass: each is a flag, or a value that is read or written whole, and no access to it calls anybody who comes back
    // for it. (`held` and `kernel` send, by the transport, which knows nothing of them.)
    private let transport: StreamTransport
    /// What the stream had received before it was secured: the beginning of the peer's TLS.
    @exclusivity(unchecked) private var received: ArraySlice<UInt8>
    /// The contexts, or the client, that callbacks look things up in.
    let owner: AnyObject
    private let context: TLSContext
    @exclusivity(unchecked) private var ssl: OpaquePointer?
    /// The transport's own failures, which OpenSSL cannot carry. The kernel says each only once.
    @exclusivity(unchecked) private var receiveFailure: StreamError?
    @exclusivity(unchecked) private var sendFailure: StreamError?
    @exclusivity(unchecked) private var held = HeldRecords()
    /// What OpenSSL sends now is to wait for what it sends next.
    @exclusivity(unchecked) private var holdsRecords = false
    /// What has ended TLS in both directions: whoever asks again is told the same.
    @exclusivity(unchecked) private var broken: StreamError?
    /// OpenSSL must not be asked to say farewell after it has failed (SSL_shutdown(3)).
    @exclusivity(unchecked) private var isBroken = false
    /// The last send has left a part of a record to be sent.
    @exclusivity(unchecked) private var isSendPending = false
    @exclusivity(unchecked) private var farewell = Farewell.due
    @exclusivity(unchecked) private(set) var mustSendToReceive = false
    /// OpenSSL is at work, and what it works on must stay.
    @exclusivity(unchecked) private var isInside = false
    @exclusivity(unchecked) private var isClosed = false
    /// How many records have been read since others had their turn.
    @exclusivity(unchecked) private var recordsInTurn = 0
    /// How much OpenSSL has received in the call that it is in.
    @exclusivity(unchecked) private var receivedInCall = 0
    /// The transport's last byte has come.
    @exclusivity(unchecked) private(set) var sawEnd = false
    /// What is wrong with the peer's chain, once it has been found.
    var problem: CertificateProblem?
    /// Where this connection's sessions are kept.
    var sessions: SessionCache?
    var sessionKey = ""
    /// The protocols that we have offered to a server; nil where we are the server.
    var offered: [String]?
    /// What was agreed on, once the handshake is done.
    private(set) var session: TLSSession?
    /// Not done yet. (Asked with every record, where a look at `session` would copy it.)
    @exclusivity(unchecked) private(set) var isSecuring = true

    /// What the kernel does for us, where it was asked and can.
    @exclusivity(unchecked) private var kernel = KernelRecords()

    /// How far our close_notify is.
    private enum Farewell { case due, underWay, said }

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
        guard let ssl = SSL_new(context.pointer) else { throw .configuration(OpenSSLErrors.takeReason()) }
        self.ssl = ssl
        guard let bio = StreamBIO.make(for: self) else { throw .configuration(OpenSSLErrors.takeReason()) }
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
    ///
    /// (Not to be inlined: what it needs for a moment would be in the frame of the task that waits, and a task keeps the memory of
    /// its deepest moment for as long as it lives. It was a kilobyte for each connection.)
    @inline(never)
    func shakeHands() -> HandshakeStep {
        guard let ssl, !isClosed else { return .failed(StreamError.closed) }
        OpenSSLErrors.clear()
        return inside {
            let result = SSL_do_handshake(ssl)
            guard result != 1 else {
                let session = TLSSession(ssl, isEncipheredByKernel: kernel.isOn)
                // RFC 7301 §3.2. OpenSSL has looked itself, from 3.0.15 on.
                if let offered, let chosen = session.applicationProtocol, !offered.contains(chosen) {
                    isBroken = true
                    return .failed(TLSError.handshake("the server chose a protocol that was not offered (ALPN)"))
                }
                self.session = session
                isSecuring = false
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
    }

    private func handshakeFailure() -> any Error {
        let cause = OpenSSLErrors.takeCause()
        if let problem { return TLSError.certificate(problem) }
        if OpenSSLErrors.isTruncation(cause) || (cause == 0 && sawEnd) {
            return TLSError.handshake("the peer closed the connection in the middle of it")
        }
        if cause == 0, let failure = receiveFailure ?? sendFailure { return failure }
        return TLSError.handshake(OpenSSLErrors.reason(of: cause))
    }

    // MARK: Bytes

    /// A record may hold a single byte, and takes a microsecond or two all the same. So many full ones are two megabytes, what
    /// a write sends in a turn.
    private static let recordsInTurnMax = 128

    func receive(into room: UnsafeMutableRawBufferPointer) -> StreamProgress {
        if let refusal { return .failed(refusal) }
        guard let ssl else { return .failed(.closed) }
        OpenSSLErrors.clear()
        mustSendToReceive = false
        recordsInTurn += 1
        if recordsInTurn > TLSLayer.recordsInTurnMax {
            recordsInTurn = 0
            return transport.endTurn()
        }
        return inside {
            var count = 0
            let result = SSL_read_ex(ssl, room.baseAddress, room.count, &count)
            guard result != 1 else { return .moved(count) }
            recordsInTurn = 0
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_ZERO_RETURN: return .end
            // A key update (RFC 8446 §4.6.3) that a send has begun is gone on with here.
            case SSL_ERROR_WANT_WRITE: mustSendToReceive = true
            default: break
            }
            let progress = outcome(of: result, ssl, receiveFailure)
            // Whoever waits now may say nothing for long.
            if case .wouldBlock = progress, !held.isEmpty, sendFailure == nil {
                _ = sendCiphertext(.init(start: nil, count: 0))
            }
            return progress
        }
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> StreamProgress {
        if let refusal { return .failed(refusal) }
        guard let ssl else { return .failed(.closed) }
        guard !bytes.isEmpty else { return .moved(0) }
        // As the kernel has it: nobody writes after the end.
        guard farewell == .due else { return .failed(.broken(IOError(call: "send", code: EPIPE))) }
        if kernel.isOn { return sendToKernel(bytes, ssl) }
        OpenSSLErrors.clear()
        return inside {
            // What is pending goes first, and what is held. It has mostly found no room before: the peer is slow, and several
            // records would only be more to keep.
            let isFree = !isSendPending && held.isEmpty && transport.mayWrite
            return isFree ? makeRecords(of: bytes, ssl) : makeRecord(of: bytes, ssl)
        }
    }

    /// Has OpenSSL make records of the first bytes, as many as go together, and sends them with one call: they are held until the
    /// last is made.
    private func makeRecords(of bytes: UnsafeRawBufferPointer, _ ssl: OpaquePointer) -> StreamProgress {
        let most = min(bytes.count, StreamTransport.bytesTogether)
        var made = 0
        defer { holdsRecords = false }
        while true {
            holdsRecords = most - made > StreamTransport.recordLength
            switch makeRecord(of: UnsafeRawBufferPointer(rebasing: bytes[made..<most]), ssl) {
            case .moved(let count): made += count
            // The last one is pending, and what is held goes in front of it.
            case .wouldBlock, .end: return made > 0 ? .moved(made) : .wouldBlock
            case .failed(let error): return .failed(error)
            }
            if made == most { return .moved(made) }
        }
    }

    /// Has OpenSSL make a record of the first bytes, or of those that it has begun with, and send it.
    private func makeRecord(of bytes: UnsafeRawBufferPointer, _ ssl: OpaquePointer) -> StreamProgress {
        var count = 0
        let result = SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count)
        isSendPending = result != 1
        return result == 1 ? .moved(count) : outcome(of: result, ssl, sendFailure)
    }

    var isKernelSending: Bool {
        guard kernel.isOn, refusal == nil, farewell == .due, let ssl else { return false }
        return SSL_get_key_update_type(ssl) == SSL_KEY_UPDATE_NONE
    }

    private func sendToKernel(_ bytes: UnsafeRawBufferPointer, _ ssl: OpaquePointer) -> StreamProgress {
        // What the peer asked for OpenSSL would do in the next SSL_write, of which there is none here.
        guard SSL_get_key_update_type(ssl) != SSL_KEY_UPDATE_NONE else { return transport.send(bytes) }
        isBroken = true
        let progress = kernel.refuseNewKeys(transport)
        broken = kernel.refusal
        return progress
    }

    /// Why nothing can be moved, whatever the transport says.
    private var refusal: StreamError? {
        if isClosed { return .closed }
        // OpenSSL would shake hands inside the call, and whoever waits for that would not hear of it.
        return isSecuring ? .busy("securing") : broken
    }

    private func outcome(of result: Int32, _ ssl: OpaquePointer, _ failure: StreamError?) -> StreamProgress {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        // Also SSL_ERROR_ZERO_RETURN, which a send that fails gives once the peer has said its farewell.
        default:
            isBroken = true
            let cause = OpenSSLErrors.takeCause()
            if let refusal = kernel.refusal {
                broken = refusal
                return .failed(refusal)
            }
            // The transport's failure is of one direction: a peer that reads no more may have said why. A cause outranks
            // it: that may be the alert that nobody was there to take.
            if cause == 0, let failure { return .failed(failure) }
            let isCut = OpenSSLErrors.isTruncation(cause) || (cause == 0 && sawEnd)
            let error = isCut ? StreamError.truncated : .tls(OpenSSLErrors.reason(of: cause))
            broken = error
            return .failed(error)
        }
    }

    /// Keeps the SSL while OpenSSL works on it: what is asked below may close the stream.
    private func inside<Result>(_ work: () -> Result) -> Result {
        isInside = true
        receivedInCall = 0
        defer {
            isInside = false
            if isClosed { free() }
        }
        return work()
    }

    /// Has certificates judged as if it were another time, in seconds since 1970; for tests, which cannot wait.
    func judge(asOf time: Int) { X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), time) }

    /// Has the next record go under new keys, and asks the peer for the same, or not (RFC 8446 §4.6.3). OpenSSL does so by itself
    /// before a key is worn out; this is for tests, which cannot wait.
    func updateKeys(onBothSides: Bool = true) -> Bool {
        guard let ssl, broken == nil, !kernel.isOn else { return false }
        return SSL_key_update(ssl, onBothSides ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1
    }

    // MARK: The end

    func finish() -> StreamProgress {
        // In the middle of a record nothing else can be said: the peer is to see the cut.
        guard let ssl, !isBroken, !isClosed, !isInside, !isSecuring, !isSendPending, farewell != .said else {
            return .end
        }
        // What the kernel has enciphered and TCP has no room for is lost by FIN and by close(2). A farewell that finds room
        // takes it along.
        if kernel.isOn, !transport.hasRoom() {
            farewell = .underWay
            return .wouldBlock
        }
        OpenSSLErrors.clear()
        return inside {
            // 0: said, and the peer has not answered, which we do not wait for. Asked again after that, it would read.
            let result = SSL_shutdown(ssl)
            farewell = .said
            guard result < 0 else { return .end }
            let progress = outcome(of: result, ssl, sendFailure)
            if case .wouldBlock = progress { farewell = .underWay }
            return progress
        }
    }

    func close(orderly: Bool) {
        guard ssl != nil, !isClosed else { return }
        // With TLS 1.3 a client that only writes has always something unread: the server's tickets.
        if orderly, case .end = finish() { transport.drain() }
        isClosed = true
        if !isInside { free() }
    }

    private func free() {
        guard let ssl = ssl.take() else { return }
        // Freed without a farewell, it would mark its session as not to be resumed, which only a broken one deserves.
        if !isBroken { SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
        SSL_free(ssl)
        received = []
        held = HeldRecords()
    }

    // MARK: The BIO's side

    /// OpenSSL goes on until it has something for the reader, and a peer may send new keys (RFC 8446 §4.6.3) for as long as
    /// it likes. Once it has received so much in one call, which is as much as its buffer holds, it has had a whole record.
    private static let receivedInCallMax = 16 * 1024

    /// Receives for OpenSSL: what the stream had received already, then from the transport.
    func receiveCiphertext(into room: UnsafeMutableRawBufferPointer) -> StreamProgress {
        guard received.isEmpty else {
            let count = min(room.count, received.count)
            room.copyBytes(from: received.prefix(count))
            received.removeFirst(count)
            // A slice keeps its whole array.
            if received.isEmpty { received = [] }
            return .moved(count)
        }
        if let receiveFailure { return .failed(receiveFailure) }
        if receivedInCall >= TLSLayer.receivedInCallMax { return transport.endTurn() }
        let isDeaf = isSecuring && sendFailure != nil
        let progress = transport.receive(into: room, unannounced: isDeaf)
        switch progress {
        case .wouldBlock where isDeaf: return .failed(sendFailure ?? .closed)
        case .end: sawEnd = true
        case .failed(let error): receiveFailure = error
        case .moved(let count): receivedInCall += count
        case .wouldBlock: break
        }
        return progress
    }

    /// Sends for OpenSSL.
    func sendCiphertext(_ bytes: UnsafeRawBufferPointer) -> StreamProgress {
        if holdsRecords || (isSecuring && !kernel.isOn && isTicketToBeHeld) {
            held.hold(bytes)
            return .moved(bytes.count)
        }
        let progress = kernel.isOn ? kernel.send(bytes, transport) : held.send(before: bytes, transport)
        guard case .failed(let error) = progress else { return progress }
        sendFailure = error
        // In the handshake a peer that listens no more has mostly said why: OpenSSL goes on, and reads it.
        guard isSecuring, case .broken = error else { return progress }
        return .moved(bytes.count)
    }

    /// OpenSSL sends a ticket for which no client waits, as one of TLS 1.2 does.
    private var isTicketToBeHeld: Bool {
        SSL_get_state(ssl) == TLS_ST_SW_SESSION_TICKET && SSL_version(ssl) == TLS1_3_VERSION
    }

    /// What OpenSSL says to its BIO of the kernel's TLS; 0 is no.
    func control(_ command: Int32, _ number: Int, _ argument: UnsafeMutableRawPointer?) -> Int {
        switch command {
        // For sending only: receiving would leave the kernel with bytes that OpenSSL has, and OpenSSL with faults of its.
        case copenssl_ctrl_kernel_keys:
            guard number != 0, let argument else { return 0 }
            return kernel.start(argument, transport) ? 1 : 0
        case copenssl_ctrl_kernel_sends: return kernel.isOn ? 1 : 0
        case copenssl_ctrl_kernel_record: kernel.announce(type: number)
        case copenssl_ctrl_kernel_record_no_more: kernel.announceNothing()
        default: break
        }
        return 0
    }
}
#endif
