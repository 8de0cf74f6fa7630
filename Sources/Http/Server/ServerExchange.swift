// One request and its answer: the body it may have, the handler, what becomes of a failure.

internal import Coro
internal import HttpWire

struct ServerExchange {
    let connection: ServerConnection
    let head: RequestHead

    private var server: HTTPServer { connection.server }
    private var stream: ByteStream { connection.stream }

    /// Answers the request; false when the connection is to be closed after it.
    ///
    /// One async frame from here to the handler and none behind it: an answer whose body is at hand is queued without
    /// another suspension point, since each costs the hot path an allocation of the task.
    func run() async -> Bool {
        var request = HTTPServer.Request(head: head, body: makeBody(), connection: connection)
        let start = server.whenAnswered == nil ? nil : mark()
        var response: HTTPServer.Response
        if let refusal = refusal(of: request) {
            response = refusal
        } else {
            do {
                switch server.answerer {
                case .handler(let handler): response = try await handler(request)
                case .router(let router):
                    switch router.find(&request) {
                    case .route(let route): response = try await route.handler(request)
                    case .answer(let answer): response = answer
                    }
                }
                if response.status < .ok { response = refuseAnswer(InterimStatus(status: response.status)) }
            } catch {
                guard let failure = self.response(to: error, request) else { return false }
                response = failure
            }
        }
        var keepAlive: Bool
        switch queue(&response, to: request) {
        case .all(let goesOn): keepAlive = goesOn
        case .part(let rest): keepAlive = await finish(rest, request)
        }
        if let start { report(request, response.status, since: start) }
        return keepAlive
    }

    /// How much of an answer is queued.
    private enum Queued {
        /// Head and body; the connection goes on or not.
        case all(keepAlive: Bool)
        case part(Rest)
    }

    /// What is left to do of an answer whose head is queued. An object, so that an async frame has eight bytes for it and
    /// not two hundred: every idle connection keeps the memory of its largest frame.
    private final class Rest {
        let writing: ResponseWriting
        let response: HTTPServer.Response
        let keepAlive: Bool

        init(_ writing: ResponseWriting, _ response: HTTPServer.Response, keepAlive: Bool) {
            self.writing = writing
            self.response = response
            self.keepAlive = keepAlive
        }
    }

    @inline(never)
    private func queue(_ response: inout HTTPServer.Response, to request: HTTPServer.Request) -> Queued {
        if !request.body.isEnded { settle(request.body, &response) }
        let writing = ResponseWriting(
            stream: stream, prepared: server.prepared, version: head.version, isHead: head.method == .head,
            keepAlive: head.keepAlive && !server.isDraining && mayGoOn(after: request.body, response))
        var keepAlive: Bool
        do {
            keepAlive = try writing.queue(&response)
        } catch {
            response = refuseAnswer(error)
            ResponseWriting.queueRefusal(response, on: stream, prepared: server.prepared)
            keepAlive = false
        }
        if writing.isUnfinished(response) || stream.unsentCount > ServerExchange.unsentMax || !request.body.isEnded {
            return .part(Rest(writing, response, keepAlive: keepAlive))
        }
        return .all(keepAlive: keepAlive)
    }

    /// Pipelined answers pile up while the peer does not read them: no further than this.
    private static let unsentMax = 64 * 1024

    /// What takes time: a body that is written as the peer reads, a peer that is behind, a request body nobody read.
    @inline(never)
    private func finish(_ rest: Rest, _ request: HTTPServer.Request) async -> Bool {
        do {
            try await rest.writing.finish(rest.response)
            if stream.unsentCount > ServerExchange.unsentMax { try await stream.flush() }
        } catch {
            // The head is out: cut the connection, so that nobody takes what came for complete.
            if !(error is StreamError || error is CancellationError || request.body.hasFailed) {
                Report.failure("Answer to \(description) broke off", error)
            }
            // Answers before this one are complete, and should arrive.
            _ = stream.flushNow()
            // A body that runs until the connection's end is ended, as if nothing had happened, by FIN; only RST tells.
            if rest.writing.endsWithConnection(rest.response) { stream.reset() } else { stream.close() }
            return false
        }
        guard rest.keepAlive, canGoOn(after: request.body) else { return false }
        return await drop(request.body)
    }

    /// Reads and drops what the handler left of the body.
    private func drop(_ body: IncomingBody) async -> Bool {
        if body.isEnded { return true }
        // What is malformed or too long ends the connection; the answer has been given.
        return (try? await body.drain(upTo: server.configuration.drainBytesMax)) ?? false
    }

    /// The handler's own answer cannot be sent. Nothing of it has gone out yet, so it can still be said.
    private func refuseAnswer(_ error: any Error) -> HTTPServer.Response {
        Report.failure("Answer to \(description) cannot be sent", error)
        return .failure(.internalServerError)
    }

    /// 1xx is no answer, and a client would go on waiting for one (RFC 9110 §15.2).
    private struct InterimStatus: Error, CustomStringConvertible {
        let status: Status
        var description: String { "the status \(status) announces an answer and is none; a handler returns 200 to 599" }
    }

    private var description: String { "\(head.method) \(head.target)" }

    // MARK: For logs

    private func mark() -> (time: Int64, bytes: Int) {
        (stream.loop.now.nanoseconds, stream.sentTotal + stream.unsentCount)
    }

    private func report(_ request: HTTPServer.Request, _ status: Status, since mark: (time: Int64, bytes: Int)) {
        server.whenAnswered?(
            HTTPServer.Exchange(
                request: request, status: status, bytesSent: stream.sentTotal + stream.unsentCount - mark.bytes,
                duration: .nanoseconds(stream.loop.now.nanoseconds - mark.time)))
    }

    // MARK: The request

    private func makeBody() -> IncomingBody {
        guard head.framing != .none else { return .empty }
        let body = IncomingBody(stream: stream, framing: head.framing, limits: server.configuration.wire)
        body.limit = server.configuration.bodyBytesMax
        if head.expectsContinue {
            let stream = stream
            body.beforeFirstRead = { stream.append(ServerExchange.continueHead) }
        }
        return body
    }

    private static var continueHead: StaticString { "HTTP/1.1 100 Continue\r\n\r\n" }

    /// What is refused before any handler sees it.
    private func refusal(of request: HTTPServer.Request) -> HTTPServer.Response? {
        if case .length(let length) = head.framing, length > server.configuration.bodyBytesMax {
            return closing(.failure(.contentTooLarge))
        }
        // RFC 9110 §10.1.1: an expectation we do not know cannot be met.
        if head.hasUnknownExpectation { return closing(.failure(.expectationFailed)) }
        // RFC 9110 §9.3.6: CONNECT makes a tunnel, and what follows it is no HTTP. Only a proxy does that.
        if head.method == .connect {
            return closing(.text("CONNECT is for proxies; this is an origin server.\n", status: .badRequest))
        }
        return nil
    }

    private func closing(_ response: HTTPServer.Response) -> HTTPServer.Response {
        var response = response
        response.fields.append(contentsOf: ["Connection": "close"])
        return response
    }

    /// Looks at what has come of a body that the handler did not read: a request that can be seen to be malformed is
    /// refused as such, whoever wanted its body. An answer that is still to be written may still read it.
    private func settle(_ body: IncomingBody, _ response: inout HTTPServer.Response) {
        let waitsForContinue = head.expectsContinue && !body.isBegun
        // RFC 9110 §15.2: 100 comes before the final head or not at all.
        body.beforeFirstRead = nil
        if case .stream = response.body {
            if waitsForContinue, response.status < .badRequest { stream.append(ServerExchange.continueHead) }
            return
        }
        do {
            try body.dropBuffered()
        } catch let error as WireError {
            response = .text("\(error)\n", status: error.status)
        } catch BodyError.tooLarge {
            response = .failure(.contentTooLarge)
        } catch {
            // The reading handler has seen it, and this is its answer.
        }
    }

    /// The answer that a handler's failure deserves; nil when there is nobody to answer.
    private func response(to error: any Error, _ request: HTTPServer.Request) -> HTTPServer.Response? {
        switch error {
        case let refusal as HTTPServer.Refusal: return refusal.response
        case let error as WireError: return .text("\(error)\n", status: error.status)
        case BodyError.tooLarge: return .failure(.contentTooLarge)
        // The peer left. (A stream of the handler's own may break too, and that is not this peer's doing.)
        case BodyError.truncated where request.body.hasFailed: return nil
        case is StreamError where request.body.hasFailed || !stream.isOpen: return nil
        // The loop is closing, and everything with it.
        case LoopError.closed: return nil
        // Cancelled, because the peer is gone or the server is stopping.
        case is CancellationError where _Concurrency.Task.isCancelled: return nil
        default:
            // The client learns that it failed, the log learns why.
            Report.failure("Handler failed for \(description)", error)
            return .failure(.internalServerError)
        }
    }

    /// As `canGoOn`, before the answer is written: what writes it may read the body meanwhile, as an echo does.
    private func mayGoOn(after body: IncomingBody, _ response: HTTPServer.Response) -> Bool {
        if case .stream = response.body { return !body.hasFailed }
        return canGoOn(after: body)
    }

    /// Whether the rest of the body, if the handler did not read all of it, is small enough to be read and dropped.
    private func canGoOn(after body: IncomingBody) -> Bool {
        if body.isEnded { return true }
        if body.hasFailed { return false }
        // RFC 9110 §10.1.1: who waits for 100 and gets a final answer may send the body or not; we cannot tell.
        if head.expectsContinue, !body.isBegun { return false }
        guard let length = body.length else { return true }
        return length <= server.configuration.drainBytesMax
    }
}
