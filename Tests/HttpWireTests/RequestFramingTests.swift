import HttpWire
import Testing

struct RequestFramingTests {
    private func framing(_ fields: String...) -> Framing? {
        accept((["POST / HTTP/1.1", "Host: a"] + fields).joined(separator: "\r\n") + "\r\n\r\n")?.framing
    }

    @Test func `RFC 9112 6.3: a length, chunks or nothing frame a request`() {
        #expect(framing() == Framing.none)
        #expect(framing("Content-Length: 0") == .length(0))
        #expect(framing("content-length: \t42 ") == .length(42))
        #expect(framing("Content-Length: 0042") == .length(42))
        #expect(framing("Content-Length: 9223372036854775807") == .length(.max))
        #expect(framing("Transfer-Encoding: chunked") == .chunked)
        #expect(framing("TRANSFER-ENCODING:  Chunked\t") == .chunked)
        #expect(framing("Connection: Content-Length", "Content-Length: 5") == .length(5))
        #expect(framing("Content-Length-X: 5", "X-Content-Length: 6", "Transfer-Encodings: x") == Framing.none)
    }

    @Test func `RFC 9112 6.3: equal lengths are one, unequal ones are refused`() {
        #expect(framing("Content-Length: 5", "Content-Length: 5") == .length(5))
        #expect(framing("Content-Length: 5, 5 ,\t05") == .length(5))
        refuse(request("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 6"), .conflictingContentLengths)
        refuse(request("POST / HTTP/1.1", "Content-Length: 5, 6"), .conflictingContentLengths)
        refuse(request("POST / HTTP/1.1", "Content-Length: 0", "X: y", "Content-Length: 6"), .conflictingContentLengths)
    }

    @Test(arguments: [
        "+5", "-5", "0x5", "5 5", "5_0", "5,", ",5", "5,,5", "", " ", "\u{A0}5", "5\u{A0}", "9223372036854775808",
        "18446744073709551617", "99999999999999999999999999", "5.0", "5e1", "five", "5;", "\"5\"", "5, x", "5 , 5 6",
    ])
    func `RFC 9112 6.3: a length that is not a decimal number below 2 to the 63 is refused`(value: String) {
        refuse(request("POST / HTTP/1.1", "Content-Length: \(value)"), .invalidContentLength)
        refuse(request("POST / HTTP/1.1", "Content-Length: \(value)", "X: y"), .invalidContentLength)
    }

    @Test func `RFC 9112 6.3: a length with Transfer-Encoding is refused in both orders`() {
        let length = "Content-Length: 5"
        let chunked = "Transfer-Encoding: chunked"
        refuse(request("POST / HTTP/1.1", length, chunked), .lengthAndTransferEncoding)
        refuse(request("POST / HTTP/1.1", chunked, length), .lengthAndTransferEncoding)
        refuse(request("POST / HTTP/1.1", chunked, "Content-Length: 0"), .lengthAndTransferEncoding)
        refuse(request("POST / HTTP/1.1", "Transfer-Encoding: identity", length), .lengthAndTransferEncoding)
    }

    @Test func `RFC 9112 6.1: Transfer-Encoding in HTTP 1 dot 0 is refused`() {
        refuse(request("POST / HTTP/1.0", "Transfer-Encoding: chunked"), .transferEncodingInHTTP10)
    }

    @Test(arguments: [
        "identity", "gzip", "chunked, chunked", "chunked, gzip", "chunked, identity", "xchunked", "chunkedx",
        "chunked;q=1", "\"chunked\"", "'chunked'", "", "chunked,", ",chunked", "chunk ed", "gzip, chunked, chunked",
        "gzip,,chunked", "chunked chunked", "\u{A0}chunked", "gzip;chunked",
    ])
    func `RFC 9112 6.3: anything but a final chunked is refused with 400`(coding: String) {
        refuse(request("POST / HTTP/1.1", "Transfer-Encoding: \(coding)"), .invalidTransferEncoding)
        #expect(WireError.invalidTransferEncoding.status == .badRequest)
    }

    @Test func `RFC 9112 6.1: codings before chunked are refused with 501`() {
        refuse(request("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked"), .unsupportedTransferCoding)
        refuse(request("POST / HTTP/1.1", "Transfer-Encoding: identity , Chunked"), .unsupportedTransferCoding)
        #expect(WireError.unsupportedTransferCoding.status == .notImplemented)
    }

    @Test func `RFC 9112 6.1: Transfer-Encoding over two lines is refused`() {
        let chunked = "Transfer-Encoding: chunked"
        refuse(request("POST / HTTP/1.1", chunked, chunked), .invalidTransferEncoding)
        refuse(request("POST / HTTP/1.1", "Transfer-Encoding: gzip", chunked), .invalidTransferEncoding)
        refuse(request("POST / HTTP/1.1", chunked, "transfer-encoding:"), .invalidTransferEncoding)
    }

    @Test func `RFC 9112 6.1: a vertical tab in Transfer-Encoding is refused`() {
        refuse(request("POST / HTTP/1.1", "Transfer-Encoding: \u{B}chunked"), .invalidFieldValue)
        refuse(request("POST / HTTP/1.1", "Transfer-Encoding: chunked\u{B}"), .invalidFieldValue)
    }
}
