import HttpWire
import Testing

struct BodyDecoderTests {
    @Test func `RFC 9112 6.3: no body ends at once and takes nothing`() throws {
        for framing in [Framing.none, .length(0), .length(-1)] {
            var decoder = BodyDecoder(framing)
            #expect(decoder.isComplete)
            let step = try octets("abc").withUnsafeBytes { try decoder.next($0) }
            #expect(step == .end(consumed: 0))
            try decoder.endOfInput()
        }
    }

    @Test func `RFC 9112 6.3: a length takes as many bytes and no more`() throws {
        let bytes = octets("hello, world")
        for ends in [[12], Array(0...12), [3, 12], [5, 12]] {
            let outcome = readBody(.length(5), bytes, upTo: ends)
            guard case .complete(let body, _) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(body.data == "hello")
        }
        #expect(readBody(.length(13), bytes) == .incomplete)
        #expect(readBody(.length(13), bytes, closes: true) == .refused(.truncatedBody))
        #expect(readBody(.length(.max), bytes, closes: true) == .refused(.truncatedBody))
        var decoder = BodyDecoder(.length(3))
        let step = try bytes.withUnsafeBytes { try decoder.next($0) }
        #expect(step == .data(0..<3, consumed: 3))
        #expect(decoder.isComplete)
    }

    @Test func `RFC 9112 6.3: a body until close ends with the connection`() {
        let outcome = readBody(.untilClose, octets("hello"), upTo: [1, 1, 5], closes: true)
        #expect(outcome == .complete(BodySummary(data: "hello", trailers: [], left: 0), consumed: 0))
        #expect(readBody(.untilClose, octets("hello")) == .incomplete)
    }

    @Test(arguments: [
        ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n6\r\n world\r\n000\r\n\r\n", "hello world"),
        ("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"),
        ("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello"),
        ("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n", "abc"), ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"),
        ("5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello"), ("5;a=b;c=\"d;e\"\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5 ;\ta = \"q\\\"; \u{E9}\t\" ; b\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5; ilovew3;whattheluck=aretheseparametersfor\r\nhello\r\n0\r\n\r\n", "hello"),
    ])
    func `RFC 9112 7.1: chunks make a body, extensions are ignored`(text: String, body: String) {
        #expect(acceptChunks(text)?.data == body)
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", "1_0\r\n", " 1\r\n", "1 \r\n", "1\t\r\n", "1 0\r\n",
        "00000000000000001\r\n", "g\r\n", "1,\r\n", ";a\r\n", "\u{0}\r\n", "1\u{0}\r\n", "1\u{B}\r\n", "5\u{A0}\r\n",
        "\"1\"\r\n", "1.0\r\n", "5h\r\n",
    ])
    func `RFC 9112 7.1: a chunk size that is not one to sixteen hex digits is refused`(text: String) {
        refuseChunks(text, .invalidChunkSize)
        refuseChunks("5\r\nhello\r\n" + text, .invalidChunkSize)
    }

    @Test func `RFC 9112 7.1: a chunk size of 2 to the 63 or more is refused`() {
        for text in ["8000000000000000\r\n", "FFFFFFFFFFFFFFFF\r\n", "ffffffffffffffff\r\n"] {
            refuseChunks(text, .chunkSizeOverflow)
        }
        refuseChunks("10000000000000005\r\n", .invalidChunkSize)
        #expect(readBody(.chunked, octets("7FFFFFFFFFFFFFFF\r\nabc"), closes: true) == .refused(.truncatedBody))
    }

    @Test func `RFC 9112 7.1: data that CR LF does not follow is refused`() {
        refuseChunks("5\r\nhello!\r\n0\r\n\r\n", .missingChunkEnd)
        refuseChunks("5\r\nhelloX", .missingChunkEnd)
        refuseChunks("5\r\nhello\n0\r\n\r\n", .missingChunkEnd)
        refuseChunks("5\r\nhello\r0\r\n\r\n", .missingChunkEnd)
        refuseChunks("5\r\nhello0\r\n\r\n", .missingChunkEnd)
        refuseChunks("4\r\nhello\r\n0\r\n\r\n", .missingChunkEnd)
    }

    @Test func `RFC 9112 7.1: bare LF and bare CR in chunk framing are refused`() {
        refuseChunks("5\nhello\r\n0\r\n\r\n", .bareLineFeed)
        refuseChunks("5\rhello\r\n0\r\n\r\n", .bareCarriageReturn)
        refuseChunks("5\r\r\nhello\r\n0\r\n\r\n", .bareCarriageReturn)
        refuseChunks("5;a\nhello\r\n0\r\n\r\n", .bareLineFeed)
        refuseChunks("5;a\rb\r\nhello\r\n0\r\n\r\n", .bareCarriageReturn)
        refuseChunks("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", .bareLineFeed)
        refuseChunks("0\r\n\n", .bareLineFeed)
        refuseChunks("0\r\n\rX", .bareCarriageReturn)
        refuseChunks("0\n\r\n", .bareLineFeed)
        refuseChunks("0\r\nA: b\n\r\n", .bareLineFeed)
        refuseChunks("0\r\nA: b\rc\r\n\r\n", .bareCarriageReturn)
    }

    @Test(arguments: [
        ";", "; ", ";;", ";=a", ";a=", ";a==b", ";a=b=c", ";a\u{0}", ";a=\"b", ";a=\"b\u{1}\"", ";a=\"b\\\u{0}\"",
        ";a=\"b\"c", ";\u{7F}", ";a=\u{E9}", ";a=b c", ";a b", ";a \t", ";a,b", ";a=\"\u{7F}\"", ";a=\u{1B}",
    ])
    func `RFC 9112 7.1.1: a malformed extension is refused`(text: String) {
        let line = "5\(text)\r\nhello\r\n0\r\n\r\n"
        let bytes = octets(line)
        let outcome = readBody(.chunked, bytes)
        // Blanks behind a value that nothing follows are the size line's fault.
        #expect(
            [.refused(.invalidChunkExtension), .refused(.invalidChunkSize)].contains(outcome),
            "\(line.debugDescription)")
        #expect(readBody(.chunked, bytes, upTo: Array(0...bytes.count)) == outcome)
    }

    @Test func `RFC 9112 7.1.1: extensions and tiny chunks have an end, ordinary small chunks have none`() {
        let long = String(repeating: "x", count: 5_000)
        refuseChunks("5;\(long)\r\n", .chunkLineTooLong)
        refuseChunks("5;a=\"\(long)\"\r\n", .chunkLineTooLong)
        let ones = String(repeating: "1\r\na\r\n", count: 20_000) + "0\r\n\r\n"
        #expect(acceptChunks(ones)?.data.utf8.count == 20_000)
        refuseChunks(String(repeating: "1\r\na\r\n", count: 70_000), .chunkOverhead)
        refuseChunks(String(repeating: "1;\(long.prefix(4_000))\r\na\r\n", count: 100), .chunkOverhead)
        let sixes = String(repeating: "6\r\nsix by\r\n", count: 60_000) + "0\r\n\r\n"
        #expect(acceptChunks(sixes)?.data.utf8.count == 360_000)
    }

    @Test func `RFC 9112 7.1.2: trailers are delivered`() {
        let body = acceptChunks("2\r\nhi\r\n0\r\nA:  b \r\nDigest: c\r\na: d\r\nEmpty:\r\n\r\n")
        #expect(body?.data == "hi")
        #expect(body?.trailers == [["A", "b"], ["Digest", "c"], ["a", "d"], ["Empty", ""]])
    }

    @Test(arguments: [
        "Content-Length", "transfer-encoding", "HOST", "Authorization", "Cookie", "Set-Cookie", "Proxy-Authorization",
        "Connection", "Upgrade", "TE", "Trailer", "If-Match", "Content-Type", "Content-Encoding", "Content-Range",
        "Expect", "Cache-Control", "Range", "Max-Forwards", "WWW-Authenticate", "X-Forwarded-For", "Location",
        "Keep-Alive",
    ])
    func `RFC 9110 6.5.1: trailers for framing, routing and authentication are dropped`(name: String) {
        #expect(acceptChunks("0\r\n\(name): 5\r\nOk: 1\r\n\r\n")?.trailers == [["Ok", "1"]])
    }

    @Test func `RFC 9112 7.1.2: bad trailers are refused`() {
        refuseChunks("0\r\nA b: c\r\n\r\n", .spaceBeforeColon)
        refuseChunks("0\r\nA\r\n\r\n", .missingColon)
        refuseChunks("0\r\n: a\r\n\r\n", .emptyFieldName)
        refuseChunks("0\r\nA\u{0}: b\r\n\r\n", .invalidFieldName)
        refuseChunks("0\r\nA: \u{0}\r\n\r\n", .invalidFieldValue)
        refuseChunks("0\r\nA: b\r\n c\r\n\r\n", .foldedField)
        refuseChunks("0\r\n A: b\r\n\r\n", .foldedField)
        refuseChunks("0\r\nGET / HTTP/1.1\r\nHost: evil\r\n\r\n", .spaceBeforeColon)
    }

    @Test func `RFC 6585 5: trailers without end are refused`() {
        refuseChunks("0\r\nA: " + String(repeating: "x", count: 9_000), .trailersTooLarge)
        refuseChunks("0\r\n" + String(repeating: "A: b\r\n", count: 65), .trailersTooLarge)
    }

    @Test func `RFC 9112 8: a connection that ends inside a chunked body truncates it`() {
        let text = "5\r\nhello\r\n0\r\nA: b\r\n\r\n"
        for end in 0..<text.utf8.count {
            #expect(readBody(.chunked, Array(octets(text)[..<end]), closes: true) == .refused(.truncatedBody))
        }
    }
}
