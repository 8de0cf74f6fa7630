import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct RequestBodyTests {
    private static let chunkedHead = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test func `a body with a length is echoed as it comes, piece by piece`() async throws {
        try await withServer(handler: echo) { served in
            let client = try served.client()
            try await client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf|")
            // The first half is back before the second is sent: nothing is collected on the way.
            _ = try await client.stream.read(until: UInt8(ascii: "|"))
            #expect(served.server.connectionCount == 1)
            try await client.send("rest|")
            #expect(try await client.stream.read(exactly: 5) == Array("rest|".utf8))
            try await client.send(post("/", "next"))
            #expect(try await client.answer().text == "next")
        }
    }

    @Test func `RFC 9112 §7.1: chunks in either case, with leading zeros and extensions, make one body`() async throws {
        try await withServer(handler: echo) { served in
            let client = try served.client()
            try await client.send(
                Self.chunkedHead + "5\r\nhello\r\n000A;x=\"a;b\"\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n"
                    + get("/next"))
            let answer = try await client.answer()
            #expect(answer["transfer-encoding"] == "chunked")
            #expect(answer["content-length"] == nil)
            #expect(answer.text == "hello0123456789abcdefghij")
            #expect(try await client.answer().status == 200)
        }
    }

    @Test func `RFC 9112 §7.1.2: trailers are there when the body has ended`() async throws {
        let trailing: HTTPServer.Handler = { request in
            let text = try await request.body.text()
            return .text(text + " " + (request.body.trailers["X-Sum"] ?? "none"))
        }
        try await withServer(handler: trailing) { served in
            let request = Self.chunkedHead + "2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n"
            let answer = try await served.answer(to: request)
            #expect(answer.text == "hi 42")
        }
    }

    @Test func `five thousand chunks of one byte are read in a few pieces, and the loop turns meanwhile`() async throws
    {
        let pieces = Shared(0)
        let counting: HTTPServer.Handler = { request in
            var bytes = 0
            for try await piece in request.body {
                pieces.change { $0 += 1 }
                bytes += piece.count
            }
            return .text("\(bytes)")
        }
        try await withServer(handler: counting) { served in
            let request = Self.chunkedHead + String(repeating: "1\r\nx\r\n", count: 5000) + "0\r\n\r\n"
            let answer = try await served.answer(to: request)
            #expect(answer.text == "5000")
        }
        #expect(pieces.value < 10)
    }

    @Test func `a sender faster than the handler does not keep the loop to itself`() async throws {
        let turns = Shared(0)
        let reading: HTTPServer.Handler = { request in
            var bytes = 0
            for try await piece in request.body { bytes += piece.count }
            return .text("\(bytes)")
        }
        try await withServer(handler: reading) { served in
            let ticker = served.loop.spawn {
                while true {
                    try await served.loop.moment()
                    turns.change { $0 += 1 }
                }
            }
            let size = 8 * 1024 * 1024
            let answer = try await served.answer(to: post("/", String(repeating: "x", count: size)))
            ticker.cancel()
            #expect(answer.text == "\(size)")
            #expect(turns.value > 10)
        }
    }

    @Test func `RFC 9112 §6.3: a body that no handler reads is never the next request`() async throws {
        try await withServer { served in
            let client = try served.client()
            let smuggled = get("/smuggled")
            try await client.send(
                "GET /a HTTP/1.1\r\nHost: test\r\nContent-Length: \(smuggled.utf8.count)\r\n\r\n\(smuggled)" + get("/b")
            )
            #expect(try await client.answer().text == "/a")
            #expect(try await client.answer().text == "/b")
        }
    }

    @Test func `an answer that does not wait for the body is sent before the rest of it comes`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send("POST /early HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n")
            #expect(try await client.answer().text == "/early")
            try await client.send("12345" + get("/after"))
            #expect(try await client.answer().text == "/after")
        }
    }

    @Test func `a large body that nobody reads closes the connection, and the answer arrives`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send("POST /big HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n")
            let answer = try await client.answer()
            #expect(answer.text == "/big")
            #expect(answer.closes)
            #expect(try await client.isAtEnd())
        }
    }

    @Test func `RFC 9110 §15.5.14: a body over the limit is refused by its length, before any of it is read`()
        async throws
    {
        var small = HTTPServer.Configuration()
        small.bodyBytesMax = 10
        try await withServer(configuration: small, handler: echo) { served in
            let client = try served.client()
            try await client.send(post("/", "12345678901") + get("/never"))
            let answer = try await client.answer()
            #expect(answer.status == 413)
            #expect(answer.closes)
            #expect(try await client.isAtEnd())
            #expect(try await served.answer(to: post("/", "1234567890")).text == "1234567890")
        }
    }

    @Test func `RFC 9110 §15.5.14: chunks over the limit are refused when they pass it, read or not`() async throws {
        var small = HTTPServer.Configuration()
        small.bodyBytesMax = 10
        let chunks = Self.chunkedHead + "6\r\n123456\r\n6\r\n123456\r\n0\r\n\r\n" + get("/never")
        let collecting: HTTPServer.Handler = { request in .text(try await request.body.text()) }
        for handler in [collecting, hello] {
            try await withServer(configuration: small, handler: handler) { served in
                let client = try served.client()
                try await client.send(chunks)
                let answer = try await client.answer()
                #expect(answer.status == 413)
                #expect(answer.closes)
                #expect(try await client.isAtEnd())
            }
        }
    }

    @Test func `RFC 9112 §7.1: malformed chunks are refused, read or not, with what follows them`() async throws {
        let faults = [
            "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\na\r\n", "1_0\r\n", " 1\r\na\r\n", "11111111111111111\r\n",
            "FFFFFFFFFFFFFFFF\r\n", "1\na\r\n", "1\r\nab\r\n", "1\r\na\n", "1;\u{1}\r\na\r\n",
            "0\r\nBad Name: x\r\n\r\n",
        ]
        let collecting: HTTPServer.Handler = { request in .text(try await request.body.text()) }
        for handler in [collecting, hello] {
            try await withServer(handler: handler) { served in
                for fault in faults {
                    let client = try served.client()
                    try await client.send(Self.chunkedHead + fault + get("/smuggled"))
                    let answer = try await client.answer()
                    #expect(answer.status == 400, "\(fault.debugDescription)")
                    #expect(answer.closes, "\(fault.debugDescription)")
                    #expect(try await client.isAtEnd(), "\(fault.debugDescription)")
                }
                #expect(try await served.servesOthers())
            }
        }
    }

    @Test func `RFC 9112 §8: malformed chunks under a streamed answer cut it short`() async throws {
        try await withServer(handler: echo) { served in
            let client = try served.client()
            try await client.send(Self.chunkedHead + "5\r\nhell|\r\n")
            _ = try await client.stream.read(until: UInt8(ascii: "|"))
            try await client.send("nonsense\r\n" + get("/smuggled"))
            let rest = try await client.everything()
            #expect(!rest.contains("0\r\n\r\n"))
            #expect(!rest.contains("HTTP/1.1"))
        }
    }

    @Test func `a slow reader of an echo slows its sender down`() async throws {
        try await withServer(handler: echo) { served in
            let client = try served.client(receiveBuffer: 16 * 1024)
            let size = 32 * 1024 * 1024
            try await client.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
            let sent = Shared(0)
            let piece = "10000\r\n" + String(repeating: "x", count: 65536) + "\r\n"
            let sending = served.loop.spawn { [stream = client.stream] in
                for _ in 0..<(size / 65536) {
                    try await stream.write(piece)
                    sent.change { $0 += 1 }
                }
            }
            for _ in 0..<3000 { try await served.loop.moment() }
            // The kernel's buffers between us hold some megabytes; the rest waits in the sender.
            #expect(sent.value < size / 65536 / 2)
            sending.cancel()
            client.reset()
            _ = try? await sending.value
        }
    }
}
