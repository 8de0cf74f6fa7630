import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct PeerGoneTests {
    /// A handler that waits for ever and tells how it ended.
    private struct Waiting: Sendable {
        let began: Promise<Void>
        let ended: Promise<String>

        init(on loop: EventLoop) {
            began = loop.promise()
            ended = loop.promise()
        }

        func answer(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
            began.trySucceed(())
            do {
                try await request.loop.sleep(for: .seconds(3600))
            } catch {
                ended.trySucceed("\(error)")
                throw error
            }
            return .text("too late")
        }
    }

    @Test func `RST cancels the handler at once`() async throws {
        let waiting = Shared<Waiting?>(nil)
        let handler: HTTPServer.Handler = { request in try await waiting.value?.answer(request) ?? .text("") }
        try await withServer(handler: handler) { served in
            let present = Waiting(on: served.loop)
            waiting.change { $0 = present }
            let client = try served.client()
            try await client.send(get("/"))
            try await present.began.future.value
            client.reset()
            #expect(try await present.ended.future.value.contains("Cancellation"))
            while served.server.connectionCount > 0 { try await served.loop.moment() }
            waiting.change { $0 = nil }
        }
    }

    @Test func `RFC 9112 §9.6: a request that comes with FIN is still answered`() async throws {
        let slow: HTTPServer.Handler = { request in
            for _ in 0..<20 { try await request.loop.moment() }
            return .text("answered")
        }
        try await withServer(handler: slow) { served in
            let client = try served.client()
            try await client.send(get("/"))
            client.finish()
            #expect(try await client.answer().text == "answered")
            #expect(try await client.isAtEnd())
            #expect(served.server.connectionCount == 0)
        }
    }

    @Test func `FIN gives the handler two seconds and then cancels it`() async throws {
        let clock = ManualClock()
        let waiting = Shared<Waiting?>(nil)
        let handler: HTTPServer.Handler = { request in try await waiting.value?.answer(request) ?? .text("") }
        try await withServer(clock: clock, handler: handler) { served in
            let present = Waiting(on: served.loop)
            waiting.change { $0 = present }
            let client = try served.client()
            try await client.send(get("/"))
            try await present.began.future.value
            client.finish()
            try await clock.advance(by: .seconds(1))
            #expect(!present.ended.future.isDone)
            try await clock.advance(by: .seconds(4))
            #expect(present.ended.future.isDone)
            #expect(try await client.isAtEnd())
            waiting.change { $0 = nil }
        }
    }

    @Test func `a peer that leaves inside its body is nobody's failure and leaves no trace`() async throws {
        let recorder = ReportRecorder { $0.summary.contains("/leaves") }
        let handler: HTTPServer.Handler = { request in
            request.query == "echo" ? try await echo(request) : .text(try await request.body.text())
        }
        try await withServer(handler: handler) { served in
            for query in ["collect", "echo"] {
                for leave in [RawClient.finish, RawClient.close, RawClient.reset] {
                    for body in ["", "12"] {
                        let client = try served.client()
                        try await client.send(
                            "POST /leaves?\(query) HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n\(body)")
                        for _ in 0..<5 { try await served.loop.moment() }
                        leave(client)()
                        while served.server.connectionCount > 0 { try await served.loop.moment() }
                    }
                }
            }
        }
        #expect(recorder.failures.isEmpty)
    }

    @Test func `RST at any byte of a request leaves no trace`() async throws {
        try await withServer(handler: echo) { served in
            let request = Array((post("/", "body") + get("/next")).utf8)
            for count in 0..<request.count {
                let client = try served.client()
                try await client.stream.write(Array(request[..<count]))
                try await served.loop.moment()
                client.reset()
            }
            for _ in 0..<5 { try await served.loop.moment() }
            while served.server.connectionCount > 0 { try await served.loop.moment() }
            #expect(try await served.servesOthers())
        }
    }

    @Test func `a stream of the handler's own that breaks is the handler's failure, not the peer's`() async throws {
        let recorder = ReportRecorder { $0.summary.contains("/proxy") }
        let proxy: HTTPServer.Handler = { _ in throw StreamError.ended(received: 3) }
        try await withServer(handler: proxy) { served in
            let answer = try await served.answer(to: get("/proxy"))
            #expect(answer.status == 500)
        }
        #expect(recorder.failures.count == 1)
    }
}
