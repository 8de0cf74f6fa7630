// A server for one test: on a loop of its own, gone without a trace at the end.

import Coro
import CoroTesting
import Http

/// A server that is listening.
struct Served: Sendable {
    let loop: EventLoop
    let server: HTTPServer
    let address: SocketAddress

    func client(receiveBuffer: Int32? = nil) throws -> RawClient {
        try RawClient(to: address, on: loop, receiveBuffer: receiveBuffer)
    }

    /// Sends one request on a connection of its own and returns the answer.
    func answer(to request: String, isHead: Bool = false) async throws -> RawAnswer {
        let client = try client()
        try await client.send(request)
        return try await client.answer(toHead: isHead)
    }

    /// Proves that the server still serves others.
    func servesOthers() async throws -> Bool { try await answer(to: get("/alive")).status < 500 }
}

/// Starts a server, runs `body` beside it on its loop, and stops it. A loop that anything still holds fails the test.
func withServer(
    clock: any LoopClock = MonotonicClock(), seconds: Int = 60, configuration: HTTPServer.Configuration = .init(),
    whenAnswered: (@Sendable (HTTPServer.Exchange) -> Void)? = nil, handler: @escaping HTTPServer.Handler = hello,
    _ body: @escaping @Sendable (Served) async throws -> Void
) async throws {
    try await withLoop(clock: clock, seconds: seconds) { loop in
        let server = HTTPServer(on: loop, configuration: configuration, whenAnswered: whenAnswered, handler: handler)
        let address = try await server.listen(on: .loopback(port: 0))
        do {
            try await body(Served(loop: loop, server: server, address: address))
        } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
        await server.shutdown(grace: .zero)
    }
}

/// A handler that says the request's target.
@Sendable func hello(_ request: HTTPServer.Request) async throws -> HTTPServer.Response { .text(request.target) }

/// A handler that sends the body back as it comes.
@Sendable func echo(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
    .stream(length: request.body.length) { writer in
        for try await piece in request.body { try await writer.write(piece) }
    }
}

/// A GET request for `target`, with further field lines.
func get(_ target: String, _ fields: String...) -> String {
    "GET \(target) HTTP/1.1\r\nHost: test\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// A POST request with a length.
func post(_ target: String, _ body: String, _ fields: String...) -> String {
    "POST \(target) HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n"
        + fields.map { $0 + "\r\n" }.joined() + "\r\n" + body
}
