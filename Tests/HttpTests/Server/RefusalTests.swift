// Requests that must not be taken for one: the answer each gets, and that nothing behind it is ever served.

import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct RefusalTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let status: Int
        let bytes: String
        var testDescription: String { String(bytes.debugDescription.prefix(60)) }

        init(_ status: Int, _ bytes: String) {
            self.status = status
            self.bytes = bytes
        }

        /// A fault in the field lines of a request that is fine otherwise.
        init(_ status: Int, field: String, host: String = "Host: test\r\n") {
            self.init(status, "GET /bad HTTP/1.1\r\n\(host)\(field)\r\n\r\n")
        }
    }

    static let requestLines = [
        "GET / HTTP/1.1 HTTP/1.1", "GET / x HTTP/1.1", "GET / http/1.1", "GET / HTP/1.1", "GET / HTTP/1",
        "GET / HTTP/1.x",
        "GET / HTTP/11", "G(T / HTTP/1.1", "G\u{0}T / HTTP/1.1", " GET / HTTP/1.1", "/ HTTP/1.1", "GET  HTTP/1.1",
        "GET /\u{0} HTTP/1.1", "GET /\u{1} HTTP/1.1", "GET /\u{7F} HTTP/1.1", "GET /\t HTTP/1.1", "GET /\r HTTP/1.1",
        "GET foo HTTP/1.1", "GET \\ HTTP/1.1", "GET /\\evil HTTP/1.1", "GET * HTTP/1.1", "GET test:80 HTTP/1.1",
        "GET /#top HTTP/1.1", "GET /", "GET / HTTP/1.1\r", "CONNECT test:443 HTTP/1.1", "CONNECT / HTTP/1.1",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}", "complete garbage",
    ].map { Fault(400, $0 + "\r\nHost: test\r\n\r\n") }

    static let otherRequestLines = [
        Fault(505, "GET / HTTP/2.0\r\nHost: test\r\n\r\n"), Fault(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Fault(414, "GET /" + String(repeating: "x", count: 20_000) + " HTTP/1.1\r\nHost: test\r\n\r\n"),
        Fault(414, "GET /" + String(repeating: "x", count: 200_000)),
        Fault(400, "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"), Fault(400, "GET / HTTP/1.1\nHost: test\n\n"),
        Fault(400, "GET / HTTP/1.1\r\n\r\n"),
    ]

    static let fields: [Fault] =
        [
            "Host: test", "X : y", "X\t: y", "NoColon", ": y", "X Y: z", "X\u{0}: y", "X(: y", "\"X\": y", "X\u{E9}: y",
            "X: \u{0}",
            "X: a\rb", "X: a\nb", "X: \u{1}", "X: \u{7F}", "X: a\r\n folded", "X: y\r",
        ].map { Fault(400, field: $0) }
        + [
            "Host: a b", "Host: a/b", "Host: user@a", "Host: a,b", "Host: a:port", "Host: a:99999999", "Host: a\u{0}",
            "Host: a\r\n b", " Host: test",
        ].map { Fault(400, field: $0, host: "") }
        + [
            Fault(431, field: "X: " + String(repeating: "y", count: 70_000)),
            Fault(431, field: (1...130).map { "X\($0): y" }.joined(separator: "\r\n")),
        ]

    static let framing: [Fault] =
        [
            "Content-Length: 3\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 3",
            "Content-Length: 3\r\nContent-Length: 4", "Content-Length: 3, 4", "Content-Length: +3",
            "Content-Length: -3",
            "Content-Length: 0x3", "Content-Length: 3 3", "Content-Length: 3_0", "Content-Length: 3,",
            "Content-Length: 3\u{A0}",
            "Content-Length:", "Content-Length: 9223372036854775808", "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: \u{B}chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Connection: Content-Length\r\nContent-Length: x",
        ].map { Fault(400, field: $0) }
        + [
            Fault(501, field: "Transfer-Encoding: gzip, chunked"),
            Fault(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ]

    @Test(arguments: requestLines + otherRequestLines)
    func `RFC 9112 §3: a bad request line is refused`(_ fault: Fault) async throws { try await expectRefusal(fault) }

    @Test(arguments: fields)
    func `RFC 9112 §5: a bad field line is refused`(_ fault: Fault) async throws { try await expectRefusal(fault) }

    @Test(arguments: framing)
    func `RFC 9112 §6: framing that can be read in two ways is refused`(_ fault: Fault) async throws {
        try await expectRefusal(fault)
    }

    /// The refusal comes after the answers before it, closes, and hides whatever follows. Whole, and byte by byte.
    private func expectRefusal(_ fault: Fault) async throws {
        let served = Shared<[String]>([])
        let recording: HTTPServer.Handler = { request in
            served.change { $0.append(request.target) }
            return .text(request.target)
        }
        try await withServer(handler: recording) { server in
            let client = try server.client()
            try await client.send(get("/before") + fault.bytes + get("/smuggled"))
            #expect(try await client.answer().text == "/before")
            let answer = try await client.answer()
            #expect(answer.status == fault.status)
            #expect(answer.closes)
            #expect(try await client.isAtEnd())
            if fault.bytes.utf8.count < 200 { try await expectRefusalByteByByte(fault, server) }
            #expect(try await server.servesOthers())
        }
        #expect(served.value == ["/before", "/alive"])
    }

    private func expectRefusalByteByByte(_ fault: Fault, _ server: Served) async throws {
        let client = try server.client()
        for byte in (fault.bytes + get("/smuggled")).utf8 {
            // Refused already, perhaps: then nobody reads the rest.
            guard (try? await client.stream.write([byte])) != nil else { break }
            try await server.loop.moment()
        }
        let text = try await client.everything()
        #expect(text.hasPrefix("HTTP/1.1 \(fault.status) "))
        #expect(text.components(of: "\r\nServer: ") == 1)
    }
}

extension String {
    /// How often `text` is in it.
    func components(of text: String) -> Int { ranges(of: text).count }
}
