import HttpWire
import Testing

struct RequestLineTests {
    @Test func `RFC 9112 3: method, target, version, fields and host come out as sent`() {
        let head = accept("GET /a/b?c=d?e HTTP/1.1\r\nHost: example.com:81\r\nX-A:  b \t\r\nEmpty:\r\n\r\n")
        #expect(head?.method == "GET")
        #expect(head?.target == "/a/b?c=d?e")
        #expect(head?.path == "/a/b")
        #expect(head?.query == "c=d?e")
        #expect(head?.host == "example.com:81")
        #expect(head?.version == .http11)
        #expect(head?.framing == Framing.none)
        #expect(head?.keepAlive == true)
        #expect(head?.fields == [["Host", "example.com:81"], ["X-A", "b"], ["Empty", ""]])
    }

    @Test(arguments: [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "PURGE", "M-SEARCH",
    ])
    func `RFC 9112 3.1: any token is a method`(name: String) {
        #expect(accept(request("\(name) / HTTP/1.1"))?.method == name)
    }

    @Test func `RFC 9112 3.1: every token character may stand in a method`() {
        let token = "!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz"
        #expect(accept(request("\(token) / HTTP/1.1"))?.method == token)
    }

    @Test func `RFC 9112 3.1: a method with another byte is refused`() {
        for byte in "\"(),/:;<=>?@[\\]{}\u{0}\u{1}\u{7F}\u{80}\u{FF}\t".unicodeScalars {
            refuse(request("G\(Character(byte))T / HTTP/1.1"), .invalidMethod)
        }
        refuse(request(" / HTTP/1.1"), .malformedRequestLine)
        refuse(request(" GET / HTTP/1.1"), .malformedRequestLine)
        refuse(request("GET"), .malformedRequestLine)
        refuse("GET\n", .bareLineFeed)
        refuse(request(String(repeating: "M", count: 65) + " / HTTP/1.1"), .methodTooLong)
    }

    @Test(arguments: [
        "GET / HTTP/1.1 HTTP/1.1", "GET / x HTTP/1.1", "GET /a b HTTP/1.1", "GET / http/1.1", "GET / HTTPS/1.1",
        "GET / HTP/1.1", "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/.1", "GET / HTTP/11.1", "GET / HTTP/1.10",
        "GET / HTTP/x.1", "GET / HTTP/1,1", "GET / HTTP 1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.1\t",
        "GET /  HTTP/1.1", "GET / RTSP/1.0", "GET / ICE/1.0", "GET / ", "GET / HTTP/+1.1",
    ])
    func `RFC 9112 2.3: a version that is not HTTP slash digit dot digit is refused`(line: String) {
        refuse(request(line), .malformedVersion)
    }

    @Test func `RFC 9110 2.5: a higher minor version is handled as 1 dot 1, another major one is refused with 505`() {
        #expect(accept(request("GET / HTTP/1.2"))?.version == .http11)
        #expect(accept(request("GET / HTTP/1.9"))?.version == .http11)
        #expect(accept("GET / HTTP/1.0\r\n\r\n")?.version == .http10)
        for version in ["0.9", "2.0", "3.0", "9.9"] {
            refuse(request("GET / HTTP/\(version)"), .unsupportedVersion)
        }
        #expect(WireError.unsupportedVersion.status == .httpVersionNotSupported)
    }

    @Test func `RFC 9112 3: HTTP 0 dot 9 is refused`() {
        refuse("GET /\r\n", .missingVersion)
        refuse("GET /\n", .bareLineFeed)
        refuse("GET \r\n", .emptyTarget)
    }

    @Test func `RFC 9113 3.4: the HTTP 2 preface is refused at its first word`() {
        refuse("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2Preface)
        #expect(readRequest(octets("PRI ")) == .refused(.http2Preface))
    }

    @Test func `RFC 8446 5.1: a TLS ClientHello is refused at its first byte`() {
        #expect(readRequest([0x16]) == .refused(.tlsOnPlainPort))
        refuse("\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}", .tlsOnPlainPort)
    }

    @Test func `RFC 9112 3: garbage is refused before its line ends`() {
        #expect(readRequest([0]) == .refused(.invalidMethod))
        #expect(readRequest([0xFF, 0xFE]) == .refused(.invalidMethod))
        #expect(readRequest(octets("{\"json")) == .refused(.invalidMethod))
        #expect(readRequest(octets("GET x")) == .incomplete)
        #expect(readRequest(octets("GET x/")) == .refused(.relativeTarget))
        #expect(readRequest(octets("GET / HTTX")) == .refused(.malformedVersion))
        #expect(readRequest(octets("SSH-2.0-OpenSSH_9.2p1\r\n")) == .refused(.malformedRequestLine))
    }

    @Test func `RFC 9112 3.2: controls, DEL, tab and bare CR in a target are refused`() {
        for value in [0, 1, 8, 9, 0xB, 0xC, 0x1B, 0x1F, 0x7F] {
            let byte = Character(Unicode.Scalar(UInt8(value)))
            refuse(request("GET /a\(byte)b HTTP/1.1"), .invalidTarget)
            refuse(request("GET /a?b\(byte) HTTP/1.1"), .invalidTarget)
            refuse(request("GET \(byte) HTTP/1.1"), .invalidTarget)
        }
        refuse(request("GET /a\rb HTTP/1.1"), .missingVersion)
        refuse("GET /\nHost: a\r\n\r\n", .bareLineFeed)
        refuse(request("GET  HTTP/1.1"), .emptyTarget)
        refuse(request("GET  / HTTP/1.1"), .emptyTarget)
    }

    @Test func `RFC 9112 3.2.1: a fragment or a backslash in the path is refused`() {
        refuse(request("GET /a#b HTTP/1.1"), .fragmentInTarget)
        refuse(request("GET /a?b#c HTTP/1.1"), .fragmentInTarget)
        refuse(request("GET # HTTP/1.1"), .fragmentInTarget)
        refuse(request("GET \\ HTTP/1.1"), .invalidTarget)
        refuse(request("GET /..\\..\\x HTTP/1.1"), .invalidTarget)
        #expect(accept(request("GET /?a\\b HTTP/1.1"))?.query == "a\\b")
    }

    @Test func `RFC 9112 3.2: a relative target is refused`() {
        for target in [
            "index.html", "a/b", "?a", ".", "..", "@", "%2F", "http", "http:", "http:/a", "ftp://a/", "x://a/",
        ] {
            refuse(request("GET \(target) HTTP/1.1"), .relativeTarget)
        }
    }

    @Test func `RFC 9112 3.2: what browsers send beyond the grammar passes as it is`() {
        let target = "/%zz/\"<>[]^`{|}\u{FF}\u{80}?a=%&b={}|\"[]"
        let expected = String(decoding: octets(target), as: UTF8.self)
        #expect(accept(request("GET \(target) HTTP/1.1"))?.target == expected)
    }

    @Test func `RFC 9112 3.2.2: an absolute target's authority wins over Host`() {
        let head = accept(request("GET http://example.com:8080/x?y HTTP/1.1"))
        #expect(head?.host == "example.com:8080")
        #expect(head?.authority == "example.com:8080")
        #expect(head?.path == "/x")
        #expect(head?.query == "y")
        #expect(accept(request("GET HTTPS://Example.com HTTP/1.1"))?.path == "/")
        let bare = accept(request("GET http://[::1]?q HTTP/1.1"))
        #expect(bare?.host == "[::1]")
        #expect(bare?.path == "/")
        #expect(bare?.query == "q")
        refuse("GET http://a/ HTTP/1.1\r\n\r\n", .missingHost)
    }

    @Test(arguments: [
        "http://", "http:///x", "http://u@a/", "http://u:p@a/", "http://a:b/", "http://a:99999/", "http://[::1/",
        "http://[x]/", "http://a,b/", "http://:80/", "http://a\"b/", "http://?q", "http://a%2/", "http://\u{E9}/",
    ])
    func `RFC 9110 4.2: an absolute target with a bad authority, or userinfo, is refused`(target: String) {
        refuse(request("GET \(target) HTTP/1.1"), .malformedAuthority)
    }

    @Test func `RFC 9112 3.2.3: CONNECT takes host and port and nothing else`() {
        let head = accept(request("CONNECT example.com:443 HTTP/1.1"))
        #expect(head?.method == "CONNECT")
        #expect(head?.host == "example.com:443")
        #expect(head?.path == "")
        for target in [
            "/", "example.com", "example.com:", "http://a:80/", ":443", "a:b", "a:1:2", "*", "u@a:1", "a:99999",
        ] {
            refuse(request("CONNECT \(target) HTTP/1.1"), .malformedAuthority)
        }
        refuse(request("GET example.com:443 HTTP/1.1"), .relativeTarget)
    }

    @Test func `RFC 9112 3.2.4: the asterisk is for OPTIONS`() {
        #expect(accept(request("OPTIONS * HTTP/1.1"))?.path == "*")
        refuse(request("GET * HTTP/1.1"), .misplacedAsterisk)
        refuse(request("OPTIONS *a HTTP/1.1"), .misplacedAsterisk)
        refuse(request("OPTIONS ** HTTP/1.1"), .misplacedAsterisk)
    }

    @Test func `RFC 9112 2.2: lines end in CR LF and nothing else`() {
        refuse("GET / HTTP/1.1\nHost: a\r\n\r\n", .bareLineFeed)
        refuse("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", .bareCarriageReturn)
        refuse("GET / HTTP/1.1\rHost: a\r\n\r\n", .bareCarriageReturn)
        refuse("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", .bareCarriageReturn)
        refuse("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed)
        refuse("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed)
    }

    @Test func `RFC 9112 2.2: an empty line before the request line is skipped, a flood of them is not`() {
        #expect(accept("\r\n" + request())?.target == "/")
        #expect(accept("\r\n\r\n" + request("GET /x HTTP/1.1"))?.target == "/x")
        refuse("\r\n\r\n\r\n" + request(), .tooManyEmptyLines)
        refuse("\n" + request(), .bareLineFeed)
        refuse("\r" + request(), .bareCarriageReturn)
        refuse(" \r\n" + request(), .malformedRequestLine)
    }
}
