import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct ResponseFramingTests {
    private static let handler: HTTPServer.Handler = { request in
        switch request.path {
        case "/bytes": .text("12345")
        case "/none": HTTPServer.Response()
        case "/204": HTTPServer.Response(status: .noContent, body: .text("not sent"))
        case "/304": HTTPServer.Response(status: .notModified, fields: ["ETag": "\"x\""], body: .text("not sent"))
        case "/304-stream":
            HTTPServer.Response(status: .notModified, body: .stream(length: nil) { try await $0.write("not sent") })
        case "/declared": HTTPServer.Response(fields: ["Content-Length": "12345"])
        case "/both":
            HTTPServer.Response(fields: ["Transfer-Encoding": "chunked", "Content-Length": "9"], body: .text("five!"))
        case "/empty-stream": .stream { _ in }
        case "/trailers":
            .stream { writer in
                try await writer.write("body")
                writer.trailers = ["X-Sum": "42"]
            }
        default:
            .stream { writer in for piece in ["one", "", "two"] { try await writer.write(piece) } }
        }
    }

    @Test func `RFC 9110 §6.4.1: 204 and 304 have no body and no framing, and the connection goes on`() async throws {
        try await withServer(handler: Self.handler) { served in
            let client = try served.client()
            for path in ["/204", "/304", "/304-stream"] {
                try await client.send(get(path) + get("/bytes"))
                let answer = try await client.answer()
                #expect(answer["content-length"] == nil)
                #expect(answer["transfer-encoding"] == nil)
                #expect(try await client.answer().text == "12345")
            }
        }
    }

    @Test func `RFC 9112 §6.3: a body at hand has a length, no body has length 0`() async throws {
        try await withServer(handler: Self.handler) { served in
            let bytes = try await served.answer(to: get("/bytes"))
            let none = try await served.answer(to: get("/none"))
            #expect(bytes["content-length"] == "5")
            #expect(none["content-length"] == "0")
        }
    }

    @Test func `RFC 9112 §7.1: a stream without a length goes out in chunks, empty pieces left out`() async throws {
        try await withServer(handler: Self.handler) { served in
            let client = try served.client()
            try await client.send(get("/stream") + get("/empty-stream") + get("/bytes"))
            let answer = try await client.answer()
            #expect(answer["transfer-encoding"] == "chunked")
            #expect(answer["content-length"] == nil)
            #expect(answer.text == "onetwo")
            #expect(try await client.answer().text == "")
            #expect(try await client.answer().text == "12345")
        }
    }

    @Test func `RFC 9112 §7.1.2: trailers follow the last chunk`() async throws {
        try await withServer(handler: Self.handler) { served in
            let answer = try await served.answer(to: get("/trailers"))
            #expect(answer.trailers == ["X-Sum: 42"])
        }
    }

    @Test func `RFC 9112 §6.1: HTTP 1.0 gets no chunks: the end of the connection ends the body`() async throws {
        try await withServer(handler: Self.handler) { served in
            let client = try served.client()
            try await client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer["transfer-encoding"] == nil)
            #expect(answer.closes)
            #expect(answer.text == "onetwo")
        }
    }

    @Test func `RFC 9110 §9.3.2: HEAD never runs the body's writer, and may name a length it does not have`()
        async throws
    {
        try await withServer(handler: Self.handler) { served in
            let client = try served.client()
            for (path, length, coding) in [
                ("/bytes", "5", nil), ("/stream", nil, "chunked"), ("/declared", "12345", nil), ("/none", "0", nil),
            ] as [(String, String?, String?)] {
                try await client.send("HEAD \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
                let answer = try await client.answer(toHead: true)
                #expect(answer["content-length"] == length)
                #expect(answer["transfer-encoding"] == coding)
            }
            try await client.send(get("/bytes"))
            #expect(try await client.answer().text == "12345")
        }
    }

    @Test func `RFC 9112 §6.2: framing fields of the handler's are the server's business`() async throws {
        try await withServer(handler: Self.handler) { served in
            let client = try served.client()
            try await client.send(get("/both") + get("/declared") + get("/bytes"))
            let answer = try await client.answer()
            #expect(answer["transfer-encoding"] == nil)
            #expect(answer.text == "five!")
            #expect(try await client.answer()["content-length"] == "0")
            #expect(try await client.answer().text == "12345")
        }
    }

    @Test func `every answer is told to whoever asked, with its status and its bytes`() async throws {
        let log = Shared<[String]>([])
        let told: @Sendable (HTTPServer.Exchange) -> Void = { exchange in
            let line =
                "\(exchange.status.code) \(exchange.request.method) \(exchange.request.target) \(exchange.bytesSent)"
            log.change { $0.append(line) }
        }
        let sizes = Shared<[Int]>([])
        try await withServer(whenAnswered: told, handler: Self.handler) { served in
            for path in ["/bytes", "/stream"] {
                let client = try served.client()
                try await client.send(get(path, "Connection: close"))
                let text = try await client.everything()
                sizes.change { $0.append(text.utf8.count) }
            }
        }
        let expected = zip(["/bytes", "/stream"], sizes.value).map { "200 GET \($0) \($1)" }
        #expect(log.value == expected)
    }

    @Test func `the first answer has room for a server's name of any length`() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.serverName = String(repeating: "n", count: 40_000)
        try await withServer(configuration: configuration) { served in
            for _ in 1...2 {
                let answer = try await served.answer(to: get("/"))
                #expect(answer["server"]?.utf8.count == 40_000)
            }
        }
    }
}
