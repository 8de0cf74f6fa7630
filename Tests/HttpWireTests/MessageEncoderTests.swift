import HttpWire
import Testing

struct MessageEncoderTests {
    /// What `write` puts into a buffer of `bound` bytes.
    private func text(
        _ bound: Int, _ write: (UnsafeMutableRawBufferPointer) throws -> Int
    ) rethrows -> String {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bound, alignment: 1)
        defer { buffer.deallocate() }
        let count = try write(buffer)
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func answer(_ status: Status, reason: String? = nil, _ fields: Fields = [:]) throws -> String {
        try text(MessageEncoder.responseHeadBound(status: status, reason: reason, fields: fields)) {
            try MessageEncoder.writeResponseHead(status: status, reason: reason, fields: fields, into: $0)
        }
    }

    private func ask(_ method: Method, _ target: String, _ fields: Fields = [:]) throws -> String {
        try text(MessageEncoder.requestHeadBound(method: method, target: target, fields: fields)) {
            try MessageEncoder.writeRequestHead(method: method, target: target, fields: fields, into: $0)
        }
    }

    @Test func `RFC 9112 4: an answer's head is written inside its bound`() throws {
        #expect(try answer(.ok, ["A": "b", "C": ""]) == "HTTP/1.1 200 OK\r\nA: b\r\nC: \r\n\r\n")
        #expect(try answer(299) == "HTTP/1.1 299 \r\n\r\n")
        #expect(try answer(.ok, reason: "Fine é") == "HTTP/1.1 200 Fine é\r\n\r\n")
        let old = try text(100) {
            try MessageEncoder.writeResponseHead(status: .notFound, version: .http10, fields: [:], into: $0)
        }
        #expect(old == "HTTP/1.0 404 Not Found\r\n\r\n")
        let line = try text(100) { try MessageEncoder.writeStatusLine(status: .created, into: $0) }
        #expect(line == "HTTP/1.1 201 Created\r\n")
        let fields = try text(MessageEncoder.fieldsBound(["A": "b"])) {
            try MessageEncoder.writeFields(["A": "b"], into: $0)
        }
        #expect(fields == "A: b\r\n")
    }

    @Test func `RFC 9112 3: a request's head is written inside its bound`() throws {
        #expect(try ask(.get, "/?a", ["Host": "b"]) == "GET /?a HTTP/1.1\r\nHost: b\r\n\r\n")
        #expect(try ask("PURGE", "*") == "PURGE * HTTP/1.1\r\n\r\n")
    }

    @Test func `RFC 9112 11.1: what could split a message is refused`() {
        for text in ["a\r\nb", "a\n", "\r", "\u{0}", "a\u{7F}", "\u{1B}"] {
            #expect(throws: WireError.invalidReason) { try answer(.ok, reason: text) }
            #expect(throws: WireError.invalidTarget) { try ask(.get, "/" + text) }
            #expect(throws: WireError.invalidMethod) { try ask(.other("GET" + text), "/") }
            #expect(throws: WireError.invalidFieldValue) { try answer(.ok, ["A": text + "b"]) }
            #expect(throws: WireError.invalidFieldName) { try answer(.ok, ["A" + text: "b"]) }
            #expect(throws: WireError.invalidFieldValue) { try ask(.get, "/", ["A": text + "b"]) }
        }
        #expect(throws: WireError.invalidTarget) { try ask(.get, "/a b") }
        #expect(throws: WireError.invalidTarget) { try ask(.get, "/é") }
        #expect(throws: WireError.fragmentInTarget) { try ask(.get, "/#a") }
        #expect(throws: WireError.emptyTarget) { try ask(.get, "") }
        #expect(throws: WireError.invalidMethod) { try ask(.other(""), "/") }
        #expect(throws: WireError.invalidMethod) { try ask("G T", "/") }
    }

    @Test func `RFC 9112 4: a buffer that is too small is an error, whatever its size`() {
        let fields: Fields = ["Content-Type": "text/plain", "A": "b"]
        let bound = MessageEncoder.responseHeadBound(status: .ok, fields: fields)
        for size in 0..<bound {
            #expect(throws: WireError.bufferTooSmall) {
                _ = try text(size) { try MessageEncoder.writeResponseHead(status: .ok, fields: fields, into: $0) }
            }
        }
    }

    @Test func `RFC 9112 7.1: chunk framing is written and read back`() throws {
        for size in [1, 9, 10, 15, 16, 255, 256, 4095, 65536, 1 << 40, .max] {
            let line = try text(MessageEncoder.chunkHeaderBound) {
                try MessageEncoder.writeChunkHeader(size: size, into: $0)
            }
            #expect(line == String(size, radix: 16, uppercase: true) + "\r\n")
        }
        #expect("\(MessageEncoder.chunkEnd)" == "\r\n")
        #expect("\(MessageEncoder.lastChunk)" == "0\r\n\r\n")
        let trailers: Fields = ["Digest": "x", "A": "b"]
        let end = try text(MessageEncoder.lastChunkBound(trailers: trailers)) {
            try MessageEncoder.writeLastChunk(trailers: trailers, into: $0)
        }
        #expect(acceptChunks("1\r\na\r\n" + end)?.trailers == [["Digest", "x"], ["A", "b"]])
        #expect(throws: WireError.forbiddenTrailer) {
            _ = try text(99) { try MessageEncoder.writeLastChunk(trailers: ["Content-Length": "1"], into: $0) }
        }
    }

    @Test func `RFC 9110 8.6: decimals are written whole`() throws {
        for value in [0, 1, 9, 10, 99, 100, 12345, 999_999_999_999_999_999, 1_000_000_000_000_000_000, .max] {
            let text = try text(MessageEncoder.decimalBound) { try MessageEncoder.writeDecimal(value, into: $0) }
            #expect(text == "\(value)")
        }
        #expect(try text(20) { try MessageEncoder.writeDecimal(-1, into: $0) } == "0")
    }

    @Test func `RFC 9112 3: what is written is read back`() throws {
        let text = try ask(.post, "/a?b", ["Host": "x", "Content-Length": "3", "X-Y": "é"])
        var parser = RequestParser()
        let head = RequestHead()
        let count = try Array(text.utf8).withUnsafeBytes { buffer throws(WireError) in
            try parser.parse(buffer, into: head)
        }
        #expect(count == text.utf8.count)
        #expect(Fields(head.fields) == ["Host": "x", "Content-Length": "3", "X-Y": "é"])
        #expect(head.method == .post && head.framing == .length(3))
    }
}
