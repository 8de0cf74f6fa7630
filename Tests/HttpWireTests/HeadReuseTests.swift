import HttpWire
import Testing

struct HeadReuseTests {
    @Test func `RFC 9112 9.3.2: fifty pipelined requests come out in order from one parser and one head`() throws {
        var text = ""
        for index in 0..<50 {
            text += request("GET /\(index) HTTP/1.1", "N: \(index)") + (index % 3 == 0 ? "\r\n" : "")
        }
        text += "GE"
        let bytes = octets(text)
        var parser = RequestParser()
        let head = RequestHead()
        var offset = 0
        try bytes.withUnsafeBytes { buffer in
            for index in 0..<50 {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                offset += try #require(try parser.parse(rest, into: head))
                #expect(head.target == "/\(index)")
                #expect(head.fields["n"] == "\(index)")
                #expect(head.fields.count == 2)
                #expect(!parser.isInsideHead)
            }
            let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
            #expect(try parser.parse(rest, into: head) == nil)
            #expect(parser.isInsideHead)
        }
    }

    @Test func `RFC 9112 3: a head keeps its bytes when the read buffer is reused`() throws {
        var bytes = octets(request("POST /path?q HTTP/1.1", "Content-Length: 7", "Accept: z"))
        var parser = RequestParser()
        let head = RequestHead()
        let count = try bytes.withUnsafeBytes { try parser.parse($0, into: head) }
        #expect(count == bytes.count)
        for index in bytes.indices { bytes[index] = 0 }
        #expect(head.description == "POST /path?q HTTP/1.1")
        #expect(head.fields["accept"] == "z")
        #expect(head.withBytes { $0.count } == count)
        #expect(head.withQuery { Array($0) } == Array("q".utf8))
        #expect(head.withPath { Array($0) } == Array("/path".utf8))
        #expect(head.withTarget { $0.count } == 7)
    }

    @Test func `RFC 9112 3: nothing of a former message shows in the next, nor before its end`() throws {
        var parser = RequestParser()
        let head = RequestHead()
        func feed(_ text: String) throws -> Int? {
            try octets(text).withUnsafeBytes { try parser.parse($0, into: head) }
        }
        let first =
            "GET http://x/y?z HTTP/1.1\r\nHost: a\r\nUpgrade: b\r\nConnection: close, upgrade\r\nA: b\r\n"
            + "Expect: x\r\nContent-Length: 5\r\n\r\n"
        #expect(try feed(first) != nil)
        #expect(head.hasUpgrade && head.hasUnknownExpectation && !head.keepAlive)
        #expect(try feed("GET / HT") == nil)
        #expect(head.fields.isEmpty && head.target == "" && head.path == "" && head.host == nil && head.query == nil)
        #expect(try feed("GET / HTTP/1.0\r\n\r\n") != nil)
        #expect(head.fields.isEmpty && head.authority == nil && head.query == nil && head.host == nil)
        #expect(!head.hasUpgrade && !head.hasUnknownExpectation && head.framing == .none && head.path == "/")
    }

    @Test func `RFC 9112 3: a view holds its head, and large heads give their memory back`() throws {
        var parser = RequestParser()
        func view(_ value: String) throws -> FieldView {
            let head = RequestHead()
            let bytes = octets(request("GET / HTTP/1.1", "A: \(value)"))
            _ = try bytes.withUnsafeBytes { try parser.parse($0, into: head) }
            _ = try octets(request("GET / HTTP/1.1", "B: c")).withUnsafeBytes { try parser.parse($0, into: head) }
            return head.fields
        }
        let fields = try view(String(repeating: "x", count: 50_000))
        #expect(fields["b"] == "c")
        #expect(Fields(fields) == ["Host": "a", "B": "c"])
    }

    @Test func `RFC 9112 3: an empty head reads as nothing`() {
        let head = RequestHead()
        #expect(head.target == "" && head.path == "" && head.fields.isEmpty && head.host == nil)
        #expect(head.fields["a"] == nil)
        let answer = ResponseHead()
        #expect(answer.status == .internalServerError && answer.reason == "")
    }

    @Test func `RFC 9112 2.2: a megabyte that comes byte by byte costs linear time`() throws {
        // Not timed: at quadratic cost this test would run for minutes.
        var limits = WireLimits()
        limits.headBytes = 1 << 20
        let bytes = octets(request("GET / HTTP/1.1", "X: " + String(repeating: "x", count: 300_000)))
        var parser = RequestParser(limits: limits)
        let head = RequestHead()
        try bytes.withUnsafeBytes { buffer in
            for end in 0..<bytes.count {
                let done = try parser.parse(UnsafeRawBufferPointer(rebasing: buffer[..<end]), into: head)
                if done != nil { Issue.record("complete too early") }
            }
            #expect(try parser.parse(buffer, into: head) == bytes.count)
        }
    }
}
