// The life of one connection: read a head, answer it, again.
//
// The rhythm of the hot path, and the reason for its order: answers are queued, and sent only when no complete request is
// left in the buffer, so that pipelined requests get one write; then one read is tried; and only when that finds nothing
// does the task suspend. A request on a quiet keep-alive connection costs one epoll_wait, one recv, one send.

internal import Coro
internal import HttpWire

final class ServerConnection: StreamObserver, Ending, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.

    /// Held: a server lives as long as the last of its connections.
    let server: HTTPServer
    let stream: ByteStream
    /// The place in the server's list.
    var index: Int
    var task: _Concurrency.Task<Void, Never>?
    /// What must be done before the first request is read; nil for plain connections.
    private let security: ServerSecurity?

    /// What the connection is doing, for the sweep.
    enum Phase {
        /// Being secured, which has a limit of its own.
        case handshake
        /// Waits for the first byte of a request.
        case idle
        /// In the middle of a request head.
        case head
        /// The handler runs, or its answer is being sent.
        case exchange
        /// The last answer is out; waiting for the peer to close.
        case closing
    }

    @exclusivity(unchecked) private(set) var phase = Phase.head
    /// When the phase began; the sweep compares it with the phase's limit. Nanoseconds of the loop's clock.
    @exclusivity(unchecked) private var phaseBegan: Int64
    /// What the sweep found; the task acts on it when it wakes.
    @exclusivity(unchecked) private var isExpired = false
    /// Which phase is to end, by its beginning.
    private var expiringPhase: Int64?
    /// All of it is to end.
    private var isAborted = false
    /// Set while a callback is on its way that sends what is queued.
    private var isFlushDue = false
    /// When the peer's FIN came; nil while it has not.
    private var peerFinishedAt: Int64?
    /// Bytes moved when the rate window began, and when that was.
    private var rateMark = (bytes: 0, time: Int64(0))
    /// Bytes that had come when the first request could have.
    private var receivedBeforeRequests = 0

    init(server: HTTPServer, stream: ByteStream, index: Int, security: ServerSecurity?) {
        self.server = server
        self.stream = stream
        self.index = index
        self.security = security
        phaseBegan = server.loop.iterationTime
        stream.observe(self)
    }

    func enter(_ phase: Phase) {
        // An unfinished head keeps its first byte's time, however many pieces it comes in.
        if phase == .head, self.phase == .head { return }
        self.phase = phase
        phaseBegan = stream.loop.iterationTime
    }

    // MARK: The task

    func run() async {
        if let security {
            if await secure(by: security) {
                receivedBeforeRequests = stream.receivedTotal
                await serveRequests()
            }
        } else {
            await serveRequests()
        }
        stream.close()
        server.remove(self)
    }

    private func serveRequests() async {
        var parser = RequestParser(limits: server.configuration.wire)
        var head: RequestHead?
        var readsInTurn = 0
        while true {
            do throws(WireError) {
                while !stream.unread.isEmpty {
                    // The parser fills a head that nobody else holds. A handler may have kept the last one.
                    if !isKnownUniquelyReferenced(&head) { head = server.borrowHead() }
                    guard let whole = head, let consumed = try parser.parse(stream.unread, into: whole) else { break }
                    stream.consume(consumed)
                    enter(.exchange)
                    guard await ServerExchange(connection: self, head: whole).run() else {
                        return await end(after: whole)
                    }
                    if !stream.unread.isEmpty { flushSoon() }
                }
            } catch {
                return await refuse(error)
            }
            switch stream.flushNow() {
            case .moved: break
            case .wouldBlock: guard await sendQueued() else { return }
            case .end, .failed: return
            }
            while true {
                let attempt = stream.receiveNow()
                if case .moved = attempt {
                    // A peer that pipelines as fast as we answer must not keep the loop to itself.
                    readsInTurn += 1
                    if readsInTurn > ServerConnection.readsPerTurn {
                        readsInTurn = 0
                        try? await stream.loop.moment()
                    }
                    break
                }
                guard case .wouldBlock = attempt else { return await end() }
                let isInsideHead = parser.isInsideHead
                if server.isDraining, !isInsideHead { return await end() }
                // A new connection's first head has the head's time, not the idle time.
                if isInsideHead { enter(.head) } else if phase == .exchange { enter(.idle) }
                // Between requests a connection holds nothing that it can borrow again.
                if !isInsideHead { server.giveBack(&head) }
                // The one place where it sleeps.
                await withUnsafeContinuation { stream.resumeWhenReadableOrWoken($0) }
                readsInTurn = 0
                if isExpired { return await expire(isInsideHead: isInsideHead) }
            }
        }
    }

    /// Sends what is queued when this iteration's work is done: pipelined answers share a write, but none that is ready
    /// waits for the handler of the next request, should that one sleep.
    private func flushSoon() {
        guard !isFlushDue else { return }
        isFlushDue = true
        stream.loop.addCallback {
            self.isFlushDue = false
            _ = self.stream.flushNow()
        }
    }

    @inline(never)
    private func expire(isInsideHead: Bool) async {
        isExpired = false
        // An idle connection is closed silently; a request that was begun is told (RFC 9110 §15.5.9).
        guard isInsideHead else { return }
        await refuse(status: .requestTimeout)
        await end()
    }

    /// Sends everything queued; false when the peer is gone.
    @inline(never)
    func sendQueued() async -> Bool {
        switch stream.flushNow() {
        case .moved: return true
        case .end, .failed: return false
        case .wouldBlock: return (try? await stream.flush()) != nil
        }
    }

    // MARK: Refusing and ending

    /// Answers what could not be read as a request, and ends the connection: nothing behind it can be trusted.
    @inline(never)
    private func refuse(_ error: WireError) async {
        await refuse(status: error.status, "\(error)\n")
        await end()
    }

    func refuse(status: Status, _ text: String? = nil) async {
        // From here on the peer is to read, and is watched for that.
        enter(.exchange)
        let text = text ?? "\(status)\n"
        let response = HTTPServer.Response.text(text, status: status)
        ResponseWriting.queueRefusal(response, on: stream, prepared: server.prepared)
        _ = await sendQueued()
    }

    /// Ends the connection so that the peer gets what was sent: FIN first, then its leftovers are read for a while. Closed
    /// at once, with bytes unread, the kernel would send RST, and that may destroy our answer in the peer's buffer
    /// (RFC 9112 §9.6).
    @inline(never)
    func end() async {
        guard stream.isOpen, await sendQueued(), peerFinishedAt == nil else { return }
        enter(.closing)
        stream.finishWriting()
        var dropped = stream.unread.count
        stream.consume(dropped)
        while dropped < ServerConnection.lingerBytesMax, !isExpired {
            switch stream.receiveNow() {
            case .moved:
                dropped += stream.unread.count
                stream.consume(stream.unread.count)
            case .end, .failed: return
            // A server that is stopping does not wait for peers that sent nothing they could lose an answer by.
            case .wouldBlock where server.isDraining && dropped == 0: return
            case .wouldBlock: await withUnsafeContinuation { stream.resumeWhenReadableOrWoken($0) }
            }
        }
    }

    /// Ends the connection after the answer to a request. A client that has said by it that it sends no more (RFC 9112 §9.6),
    /// and has sent no more, has nothing that its answer could be lost by, so there is nothing to linger for. (The kernel is
    /// asked, not remembered: closed with a byte unread, it would drop an answer that waits for its FIN.)
    private func end(after request: RequestHead) async {
        guard !request.keepAlive, request.framing == .none, stream.unread.isEmpty else { return await end() }
        _ = stream.flushNow(isLast: true)
        guard await sendQueued(), case .wouldBlock = stream.receiveUnannouncedNow() else { return await end() }
    }

    /// Reads after which others on the loop get their turn, when none of them had to wait.
    private static let readsPerTurn = 16

    private static let lingerBytesMax = 1024 * 1024
    private static let lingerTime = Duration.seconds(2)

    /// Ends an idle connection now and any other after its present answer.
    func drain() {
        switch phase {
        case .idle: expireNow()
        case .head where stream.receivedTotal == receivedBeforeRequests: expireNow()
        // Nobody has asked for anything yet.
        case .handshake: abort()
        case .head, .exchange, .closing: break
        }
    }

    /// Ends the connection whatever it is doing, or, where thousands are ended in one moment, when its turn has come.
    func abort() {
        isAborted = true
        stream.loop.endInTurn(self)
    }

    // MARK: The clock

    /// Called once a second.
    func look(at now: Int64) {
        let limits = server.configuration
        switch phase {
        case .handshake: break
        case .idle: if now - phaseBegan > limits.idleTimeout.nanoseconds { expireNow() }
        case .head: if now - phaseBegan > limits.headTimeout.nanoseconds { expireNow() }
        case .closing: if now - phaseBegan > ServerConnection.lingerTime.nanoseconds { expireNow() }
        case .exchange:
            if let peerFinishedAt, now - peerFinishedAt > limits.halfCloseGrace.nanoseconds { task?.cancel() }
            checkRate(now, limits)
        }
    }

    /// Only a peer that we wait for can be too slow: a handler that takes its time is its own affair.
    private func checkRate(_ now: Int64, _ limits: HTTPServer.Configuration) {
        guard stream.isReaderWaiting || stream.isWriterWaiting else {
            rateMark.time = 0
            return
        }
        let moved = stream.receivedTotal &+ stream.sentTotal
        let elapsed = now - rateMark.time
        if rateMark.time == 0 {
            rateMark = (moved, now)
        } else if elapsed >= limits.rateWindow.nanoseconds {
            let floor = Int64(limits.rateFloor) * (elapsed / 1_000_000_000)
            if Int64(moved - rateMark.bytes) < floor { abort() }
            rateMark = (moved, now)
        }
    }

    /// Ends the phase, or, where thousands expire in one moment, when its turn has come.
    private func expireNow() {
        expiringPhase = phaseBegan
        stream.loop.endInTurn(self)
    }

    func takePlace() {
        if isAborted {
            task?.cancel()
            return stream.close()
        }
        // A request that has come meanwhile is answered.
        guard phase != .exchange, phaseBegan == expiringPhase else { return }
        isExpired = true
        stream.wakeReader()
    }

    // MARK: The peer

    func peerFinished() { peerFinishedAt = peerFinishedAt ?? stream.loop.iterationTime }

    func peerVanished() {
        // Nobody is left to answer. While we read, the read itself will say so.
        if phase == .exchange { task?.cancel() }
    }
}

extension Duration {
    /// In nanoseconds, held at the bounds of what fits.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds.magnitude < 9_000_000_000 else { return seconds < 0 ? .min : .max }
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
