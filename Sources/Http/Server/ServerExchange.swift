// One request and its answer: the body it may have, the handler, what becomes of a failure.

internal import Coro
internal import HttpWire

struct ServerExchange {
    let connection: ServerConnection
    let head: RequestHead

    private var server: HTTPServer { connection.server }
    private var stream: ByteStream { connection.stream }

    /// Answers the request; false when the connection is to be closed after it.
    func run() async -> Bool {
        let request = HTTPServer.Request(head: head, body: makeBody(), connection: connection)
        let began = server.whenAnswered == nil ? 0 : stream.loop.now.nanoseconds
        let sentBefore = stream.sentTotal + stream.unsentCount
        let response: HTTPServer.Response
        do {
            response = try await answer(request)
        } catch {
            // Cancelled, because the peer is gone or the server is stopping: there is nobody to answer.
            return false
        }
        let keepAlive = await send(response, to: request)
        if let whenAnswered = server.whenAnswered {
            whenAnswered(
                HTTPServer.Exchange(
                    request: request, status: response.status,
                    bytesSent: stream.sentTotal + stream.unsentCount - sentBefore,
                    duration: .nanoseconds(stream.loop.now.nanoseconds - began)))
        }
        return keepAlive
    }

    private func makeBody() -> IncomingBody {
        guard head.framing != .none else { return .empty }
        let body = IncomingBody(stream: stream, framing: head.framing, limits: server.configuration.wire)
        body.limit = server.configuration.bodyBytesMax
        if head.expectsContinue {
            let stream = stream
            body.beforeFirstRead = {
                stream.append("HTTP/1.1 100 Continue\r\n\r\n")
                try await stream.flush()
            }
        }
        return body
    }

    // MARK: The handler

    /// The handler's answer, or the one that its failure deserves.
    ///
    /// - Throws: `CancellationError` when there is nobody to answer.
    private func answer(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
        if let refusal = refusal(of: request) { return refusal }
        do {
            return try await server.handler(request)
        } catch {
            return try response(to: error)
        }
    }

    /// What is refused before any handler sees it.
    private func refusal(of request: HTTPServer.Request) -> HTTPServer.Response? {
        if case .length(let length) = head.framing, length > server.configuration.bodyBytesMax {
            return .failure(.contentTooLarge)
        }
        // RFC 9110 §10.1.1: an expectation we do not know cannot be met.
        if head.hasUnknownExpectation { return .failure(.expectationFailed) }
        return nil
    }

    private func response(to error: any Error) throws -> HTTPServer.Response {
        switch error {
        case let refusal as HTTPServer.Refusal: return refusal.response
        case let error as WireError: return .text("\(error)\n", status: error.status)
        case BodyError.tooLarge: return .failure(.contentTooLarge)
        case BodyError.truncated, is StreamError: throw CancellationError()
        case is CancellationError where _Concurrency.Task.isCancelled: throw error
        default:
            // The client learns that it failed, the log learns why.
            Report.failure("Handler failed for \(request(head))", error)
            return .failure(.internalServerError)
        }
    }

    private func request(_ head: RequestHead) -> String { "\(head.method) \(head.target)" }

    // MARK: The answer

    private func send(_ response: HTTPServer.Response, to request: HTTPServer.Request) async -> Bool {
        let mayKeepAlive = head.keepAlive && !server.isDraining && canGoOn(after: request.body)
        do {
            let writing = ResponseWriting(
                stream: stream, prepared: server.prepared, version: head.version, isHead: head.method == .head,
                keepAlive: mayKeepAlive)
            let keepAlive = try await writing.write(response)
            // Pipelined answers pile up while the peer does not read them: no further than this.
            if stream.unsentCount > ServerExchange.unsentMax { try await stream.flush() }
            guard keepAlive else { return false }
            return try await request.body.drain(upTo: server.configuration.drainBytesMax)
        } catch let error as WireError where stream.unsentCount == 0 {
            // The handler's own fields cannot be sent. Nothing has gone out yet, so it can still be said.
            Report.failure("Answer to \(self.request(head)) cannot be sent", error)
            ResponseWriting.queueRefusal(.failure(.internalServerError), on: stream, prepared: server.prepared)
            return false
        } catch {
            // The head is out: cut the connection, so that nobody takes what came for complete.
            if !(error is StreamError || error is CancellationError) {
                Report.failure("Answer to \(self.request(head)) broke off", error)
            }
            stream.close()
            return false
        }
    }

    private static let unsentMax = 64 * 1024

    /// Whether the rest of the body, if the handler did not read all of it, is small enough to be read and dropped.
    private func canGoOn(after body: IncomingBody) -> Bool {
        if body.isEnded { return true }
        // RFC 9110 §10.1.1: who waits for 100 and gets a final answer may send the body or not; we cannot tell.
        if head.expectsContinue, !body.isBegun { return false }
        guard let length = body.length else { return true }
        return length <= server.configuration.drainBytesMax
    }
}
