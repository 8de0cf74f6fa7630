// One request and its answer on one connection: send, read heads until a final one, hand the body over, and say in the
// end whether the connection may serve again.

internal import Coro
internal import CoroTLS
internal import HttpWire

final class Exchange: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used by one fetch and then by its response's reader, on the loop of its stream;
    // `deinit` only cancels a task, which any thread may.

    private let request: HTTPClient.Request
    private let configuration: HTTPClient.Configuration
    private let stream: ByteStream
    private let lease: Lease
    private var upload: Upload?
    /// Whether a byte of an answer has come: from then on the server has, or may have, acted on the request.
    private var hasHeard = false
    /// Why the request could not be sent whole at the first try; the server may have answered all the same.
    private var sendFailure: StreamError?

    let remoteAddress: SocketAddress?
    let localAddress: SocketAddress?
    let tls: TLSSession?

    init(
        _ request: HTTPClient.Request, on stream: ByteStream, lease: Lease, configuration: HTTPClient.Configuration
    ) {
        self.request = request
        self.stream = stream
        self.lease = lease
        self.configuration = configuration
        remoteAddress = stream.peerAddress
        localAddress = stream.localAddress
        tls = stream.tls
    }

    deinit { upload?.cancel() }

    /// Sends the request and returns the final head.
    func run(_ timings: inout HTTPClient.Timings) async throws -> ResponseHead {
        do throws(WireError) {
            try queueHead()
        } catch {
            throw HTTPClientError.malformedRequest(error)
        }
        startSending()
        timings.pass(\.sent, at: stream.loop.now)
        do {
            return try await readFinalHead(&timings)
        } catch {
            throw explain(error)
        }
    }

    // MARK: Sending

    private func queueHead() throws(WireError) {
        // A tunnel is not an exchange: what follows its answer is no longer HTTP.
        guard request.method != .connect else { throw .invalidMethod }
        let fields = try request.outgoingFields(defaults: configuration.defaultFields)
        let target = request.url.target
        let room = stream.reserveOutput(
            MessageEncoder.requestHeadBound(method: request.method, target: target, fields: fields))
        let count = try MessageEncoder.writeRequestHead(
            method: request.method, target: target, fields: fields, into: room)
        if let observer = request.observer { observer(.requestHead(Array(room.prefix(count)))) }
        stream.commitOutput(count)
    }

    /// A short body goes out with the head in one call. What the kernel does not take at once is sent by a task beside
    /// this one, because a server may answer, and stop reading, before it has read all (RFC 9112 §9.5).
    private func startSending() {
        let waitsForContinue = request.fields.values("Expect").map { $0.lowercased() == "100-continue" } ?? false
        var isWhole = false
        switch request.body {
        case .none: isWhole = true
        case .bytes(let bytes) where bytes.count <= Upload.pieceBytes && !waitsForContinue:
            bytes.withUnsafeBytes { stream.append($0) }
            isWhole = true
        default: break
        }
        switch stream.flushNow() {
        case .moved where isWhole: return
        case .failed(let error): sendFailure = error
        default:
            let wait = waitsForContinue && !isWhole ? configuration.continueTimeout : nil
            upload = Upload(isWhole ? .none : request.body, to: stream, afterContinue: wait)
        }
    }

    // MARK: Reading heads

    private func readFinalHead(_ timings: inout HTTPClient.Timings) async throws -> ResponseHead {
        var parser = ResponseParser(requestMethod: request.method, limits: configuration.limits)
        var interimCount = 0
        while true {
            let head = try await readHead(&parser, &timings)
            request.observer?(.answer(head))
            // RFC 9110 §7.8: a server switches only to what the client offered.
            guard head.status != .switchingProtocols else { throw HTTPClientError.unaskedUpgrade }
            guard head.isInformational else {
                upload?.answerCame(head.status)
                return head
            }
            interimCount += 1
            guard interimCount <= configuration.limits.informationalResponses else {
                throw HTTPClientError.tooManyInterimAnswers(limit: configuration.limits.informationalResponses)
            }
            if head.status == .continue { upload?.proceed() }
        }
    }

    private func readHead(
        _ parser: inout ResponseParser, _ timings: inout HTTPClient.Timings
    ) async throws -> ResponseHead {
        let head = ResponseHead()
        while true {
            if !stream.unread.isEmpty {
                if !hasHeard { timings.pass(\.answered, at: stream.loop.now) }
                hasHeard = true
                if let consumed = try parser.parse(stream.unread, into: head) {
                    stream.consume(consumed)
                    return head
                }
            }
            guard try await fill() else {
                // An interim answer is not one (RFC 9110 §15.2): after it, too, nothing may have come.
                throw stream.unread.isEmpty ? HTTPClientError.closedWithoutAnswer : .malformedResponse(.truncatedHead)
            }
        }
    }

    /// A connection that is cut is one that ended here: no head is complete without its last line, whoever cut it.
    private func fill() async throws -> Bool {
        do { return try await stream.fill() } catch StreamError.truncated { return false }
    }

    // MARK: Failing

    /// What really went wrong: a body that could not be made or sent, before what it looked like from the reading side.
    private func explain(_ error: any Error) -> any Error {
        if let cause = upload?.failure, !hasHeard || error is StreamError {
            switch cause {
            case is TimeoutError: return HTTPClientError.timeout(.send)
            case let cause as StreamError: return HTTPClientError.sendFailed(cause)
            default: return cause
            }
        }
        if let sendFailure, !hasHeard, !(error is CancellationError) { return HTTPClientError.sendFailed(sendFailure) }
        let isSending = upload.map { !$0.isFinished } ?? false
        return HTTPClientError.explain(error, phase: isSending ? .send : .answer)
    }

    /// Whether a used connection died before any reply, and the request may be sent again.
    func mayRetry(after error: HTTPClientError) -> Bool {
        guard !hasHeard, request.isRepeatable else { return false }
        return switch error {
        case .closedWithoutAnswer, .sendFailed, .receiveFailed: true
        default: false
        }
    }

    /// Stops sending.
    func stop() { upload?.cancel() }

    // MARK: The body

    /// The body that follows `head`; reading it to the end gives the connection back.
    func body(after head: ResponseHead, deadline: LoopInstant?) -> IncomingBody {
        let body = IncomingBody(stream: stream, framing: head.framing, limits: configuration.limits)
        let asksToClose = request.fields.values("Connection")?.lowercased().contains("close") ?? false
        let mayKeepAlive = head.keepAlive && !asksToClose
        if head.framing == .none || head.framing == .length(0) {
            end(isReusable: mayKeepAlive)
            return .empty
        }
        body.deadline = deadline
        body.explain = { HTTPClientError.explain($0, phase: .body) }
        // The closure holds this exchange, and with it the lease: a body dropped half read frees both.
        body.whenEnded = { isComplete in self.end(isReusable: isComplete && mayKeepAlive) }
        return body
    }

    private func end(isReusable: Bool) {
        let isSent = sendFailure == nil && (upload?.isFinished ?? true)
        // Bytes behind a complete answer belong to nobody; they must not become the next one's (RFC 9112 §9.3).
        lease.end(isReusable: isReusable && isSent && stream.unread.isEmpty)
        upload?.cancel()
    }
}
