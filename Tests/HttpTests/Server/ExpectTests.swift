import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct ExpectTests {
    private static func head(_ length: Int) -> String {
        "POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n\r\n"
    }

    @Test func `RFC 9110 §10.1.1: 100 comes when the handler first reads the body, and once`() async throws {
        try await withServer(handler: { request in .text(try await request.body.text()) }) { served in
            let client = try served.client()
            for body in ["hello", "again"] {
                try await client.send(Self.head(5))
                #expect(try await client.answer().status == 100)
                try await client.send(body)
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(answer.text == body)
                #expect(!answer.closes)
            }
        }
    }

    @Test func `RFC 9110 §10.1.1: a final answer that needs no body comes instead of 100, and closes`() async throws {
        try await withServer(handler: { _ in throw HTTPServer.Refusal(.unauthorized) }) { served in
            let client = try served.client()
            try await client.send(Self.head(5))
            let answer = try await client.answer()
            #expect(answer.status == 401)
            // Whether the body will be sent now, nobody can know.
            #expect(answer.closes)
            #expect(try await client.isAtEnd())
        }
    }

    @Test func `RFC 9110 §10.1.1: a body too large by its length is answered 413 before it is sent`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send(Self.head(1 << 40))
            #expect(try await client.answer().status == 413)
            #expect(try await client.isAtEnd())
        }
    }

    @Test func `RFC 9110 §15.2: an answer that reads the body as it is written sends 100 before its own head`()
        async throws
    {
        try await withServer(handler: echo) { served in
            let client = try served.client()
            for _ in 1...2 {
                try await client.send(Self.head(5))
                #expect(try await client.answer().status == 100)
                try await client.send("hello")
                #expect(try await client.answer().text == "hello")
            }
        }
    }

    @Test func `RFC 9110 §10.1.1: a body that is there already is not asked for`() async throws {
        try await withServer(handler: { request in .text(try await request.body.text()) }) { served in
            let answer = try await served.answer(to: Self.head(5) + "hello")
            #expect(answer.status == 200)
        }
    }

    @Test func `RFC 9110 §10.1.1: HTTP 1.0 and a request without a body get no 100`() async throws {
        try await withServer(handler: { request in .text(try await request.body.text()) }) { served in
            #expect(try await served.answer(to: get("/", "Expect: 100-continue")).status == 200)
            let old = try served.client()
            try await old.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            try await served.loop.moment()
            try await old.send("ok")
            #expect(try await old.answer().status == 200)
        }
    }

    @Test func `RFC 9110 §10.1.1: an unknown expectation is refused with 417`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send(get("/", "Expect: a-miracle"))
            let answer = try await client.answer()
            #expect(answer.status == 417)
            #expect(answer.closes)
            #expect(try await client.isAtEnd())
        }
    }
}
