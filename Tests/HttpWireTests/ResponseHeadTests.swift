import HttpWire
import Testing

struct ResponseHeadTests {
    @Test func `RFC 9112 4: version, status, reason and fields come out as sent`() {
        let head = acceptAnswer(response("HTTP/1.1 404 Not  Found\t!", "Content-Length: 3", "x-odd:\t y "))
        #expect(head?.status == 404)
        #expect(head?.reason == "Not  Found\t!")
        #expect(head?.version == .http11)
        #expect(head?.framing == .length(3))
        #expect(head?.fields == [["Content-Length", "3"], ["x-odd", "y"]])
    }

    @Test func `RFC 9112 4: an empty reason, a missing one and obs-text in one are taken`() {
        #expect(acceptAnswer(response("HTTP/1.1 200 "))?.reason == "")
        #expect(acceptAnswer(response("HTTP/1.1 200"))?.reason == "")
        #expect(acceptAnswer(response("HTTP/1.1 500 Ori\u{C3}\u{AB}n"))?.reason == "Ori\u{EB}n")
        #expect(acceptAnswer(response("HTTP/1.0 200 OK"))?.version == .http10)
        #expect(acceptAnswer(response("HTTP/1.7 200 OK"))?.version == .http11)
    }

    @Test func `RFC 9110 15: unknown codes in a class are taken, codes below 100 are not`() {
        for code in [100, 199, 299, 399, 499, 599, 600, 999] {
            #expect(acceptAnswer(response("HTTP/1.1 \(code) x"))?.status == code)
        }
        refuseAnswer(response("HTTP/1.1 099 x"), .invalidStatus)
        refuseAnswer(response("HTTP/1.1 000 x"), .invalidStatus)
    }

    @Test(arguments: [
        "HTTP/1.1 20 OK", "HTTP/1.1 2 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 20x OK", "HTTP/1.1 +20 OK",
        "HTTP/1.1  200 OK", "HTTP/1.1 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 200X",
        "HTTP/1.10 200 OK", "HTTP/1.1 200 O\u{0}K", "HTTP/1.1 200 O\u{7F}K", "HTTP/1.1 200 O\u{1B}K",
        "HTTP/1.1 -20 OK", "HTTP/1.1,200 OK",
    ])
    func `RFC 9112 4: a status line of another form is refused`(line: String) {
        refuseAnswer(response(line), .malformedStatusLine)
    }

    @Test func `RFC 9112 4: what is not HTTP is refused at its first bytes`() {
        for text in [
            "SSH-2.0-OpenSSH_9.2p1\r\n", "\u{0}\u{1}\u{2}", "<html>", "HTP/1.1 200 OK\r\n", "ICY 200 OK\r\n", "http",
        ] {
            refuseAnswer(text, .notHTTP)
        }
        #expect(readResponse(octets("S")) == .refused(.notHTTP))
        #expect(readResponse([0x15, 0x03]) == .refused(.notHTTP))
        refuseAnswer("HTTP/x", .malformedVersion)
        refuseAnswer("HTTP/11.1 200 OK\r\n\r\n", .malformedVersion)
        refuseAnswer("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion)
        refuseAnswer("HTTP/0.9 200 OK\r\n\r\n", .unsupportedVersion)
    }

    @Test func `RFC 9112 2.2: bare LF, bare CR, NUL and folds in an answer are refused`() {
        refuseAnswer("HTTP/1.1 200 OK\nA: b\n\n", .bareLineFeed)
        refuseAnswer("HTTP/1.1 200\nA: b\n\n", .bareLineFeed)
        refuseAnswer("HTTP/1.1 200 OK\rA: b\r\n\r\n", .bareCarriageReturn)
        refuseAnswer("HTTP/1.1 200 OK\r\r\n\r\n", .bareCarriageReturn)
        refuseAnswer(response("HTTP/1.1 200 OK", "A: b\nC: d"), .bareLineFeed)
        refuseAnswer(response("HTTP/1.1 200 OK", "A: b\rC: d"), .bareCarriageReturn)
        refuseAnswer(response("HTTP/1.1 200 OK", "A: \u{0}"), .invalidFieldValue)
        refuseAnswer(response("HTTP/1.1 200 OK", "Content-Length: 1", " 5"), .foldedField)
        refuseAnswer(response("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "\tx"), .foldedField)
        refuseAnswer(response("HTTP/1.1 200 OK", " A: b"), .whitespaceBeforeFields)
        refuseAnswer(response("HTTP/1.1 200 OK", "A : b"), .spaceBeforeColon)
    }

    @Test func `RFC 9112 6.3: the request's method and the status decide about the body first`() {
        let fields = ["Content-Length: 5", "Transfer-Encoding: chunked"]
        for field in fields {
            #expect(acceptAnswer(response("HTTP/1.1 200 OK", field), to: .head)?.framing == Framing.none)
            for code in [100, 101, 103, 204, 304] {
                #expect(acceptAnswer(response("HTTP/1.1 \(code) x", field))?.framing == Framing.none)
            }
            #expect(acceptAnswer(response("HTTP/1.1 200 OK", field), to: .connect)?.framing == Framing.none)
        }
        #expect(acceptAnswer(response("HTTP/1.1 407 x", fields[0]), to: .connect)?.framing == .length(5))
        #expect(acceptAnswer(response("HTTP/1.1 205 x"))?.framing == .untilClose)
    }

    @Test func `RFC 9112 6.3: chunks, a length or the connection's end frame the rest`() {
        #expect(acceptAnswer(response())?.framing == .untilClose)
        #expect(acceptAnswer(response())?.keepAlive == false)
        #expect(acceptAnswer(response("HTTP/1.1 200 OK", "Content-Length: 0"))?.framing == .length(0))
        #expect(acceptAnswer(response("HTTP/1.1 200 OK", "Content-Length: 0"))?.keepAlive == true)
        #expect(acceptAnswer(response("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"))?.framing == .chunked)
        #expect(acceptAnswer(response("HTTP/1.1 200 OK", "Transfer-Encoding: chunked"))?.keepAlive == true)
        // A length of 2^62 is only a number here: nothing is allocated for it.
        #expect(
            acceptAnswer(response("HTTP/1.1 200 OK", "Content-Length: 4611686018427387904"))?.framing
                == .length(1 << 62))
    }

    @Test func `RFC 9112 6.3: chunked wins over a length and ends the connection`() {
        for fields in [
            ["Content-Length: 5", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ] {
            let head = acceptAnswer(response("HTTP/1.1 200 OK", fields[0], fields[1]))
            #expect(head?.framing == .chunked)
            #expect(head?.keepAlive == false)
        }
        let old = acceptAnswer(response("HTTP/1.0 200 OK", "Transfer-Encoding: chunked", "Connection: keep-alive"))
        #expect(old?.framing == .chunked)
        #expect(old?.keepAlive == false)
    }

    @Test func `RFC 9112 6.3: a length that cannot be trusted is refused`() {
        for value in ["-1", "+1", "1x", "1\u{0}", "9223372036854775808", "1,", "", "0x1"] {
            let fault: WireError = value.contains("\u{0}") ? .invalidFieldValue : .invalidContentLength
            refuseAnswer(response("HTTP/1.1 200 OK", "Content-Length: \(value)"), fault)
        }
        refuseAnswer(response("HTTP/1.1 200 OK", "Content-Length: 1, 2"), .conflictingContentLengths)
        refuseAnswer(response("HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2"), .conflictingContentLengths)
        #expect(acceptAnswer(response("HTTP/1.1 200 OK", "Content-Length: 2, 2"))?.framing == .length(2))
    }

    @Test func `RFC 9112 6.1: an answer in a coding that was not asked for is refused`() {
        for value in ["gzip", "identity", "chunked, gzip", "chunked, chunked", "xchunked", ""] {
            refuseAnswer(response("HTTP/1.1 200 OK", "Transfer-Encoding: \(value)"), .invalidTransferEncoding)
        }
        refuseAnswer(response("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"), .unsupportedTransferCoding)
    }

    @Test func `RFC 9112 9.3: persistence of an answer follows version and Connection`() {
        let length = "Content-Length: 0"
        #expect(acceptAnswer(response("HTTP/1.0 200 OK", length))?.keepAlive == false)
        #expect(acceptAnswer(response("HTTP/1.0 200 OK", length, "Connection: keep-alive"))?.keepAlive == true)
        #expect(acceptAnswer(response("HTTP/1.1 200 OK", length, "Connection: Close"))?.keepAlive == false)
        #expect(acceptAnswer(response("HTTP/1.1 204 x"))?.keepAlive == true)
    }

    @Test func `RFC 9110 15.2: interim answers are heads like others`() throws {
        let text =
            response("HTTP/1.1 100 Continue") + response("HTTP/1.1 103 Early Hints", "Link: </a>")
            + response("HTTP/1.1 200 OK", "Content-Length: 0")
        let bytes = octets(text)
        var parser = ResponseParser()
        let head = ResponseHead()
        var statuses: [UInt16] = []
        var offset = 0
        try bytes.withUnsafeBytes { buffer in
            while offset < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[offset...])
                offset += try #require(try parser.parse(rest, into: head))
                statuses.append(head.status.code)
                #expect(head.isInformational == (head.status != .ok))
            }
        }
        #expect(statuses == [100, 103, 200])
    }

    @Test func `RFC 6585 5: an answer's head has limits`() {
        let text = String(repeating: "x", count: 70_000)
        refuseAnswer("HTTP/1.1 200 \(text)", .headTooLarge)
        refuseAnswer(response("HTTP/1.1 200 OK", "X: \(text)"), .headTooLarge)
        refuseAnswer("HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 129), .tooManyFields)
        refuseAnswer("\r\n\r\n\r\nHTTP/1.1 200 OK\r\n", .tooManyEmptyLines)
        #expect(acceptAnswer(response("HTTP/1.1 200 OK", "X: " + text.prefix(8_000))) != nil)
    }
}
