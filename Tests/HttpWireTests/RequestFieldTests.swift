import HttpWire
import Testing

struct RequestFieldTests {
    @Test func `RFC 9110 5.1: names take every token character and are found in any case`() throws {
        let name = "!#$%&'*+-.^_`|~09azAZ"
        let bytes = octets(request("GET / HTTP/1.1", "\(name): x", "ACCEPT: y", "accept: z"))
        var parser = RequestParser()
        let head = RequestHead()
        _ = try bytes.withUnsafeBytes { try parser.parse($0, into: head) }
        #expect(head.fields[name.uppercased()] == "x")
        #expect(head.fields["Accept"] == "y")
        #expect(head.fields.all("aCCept") == ["y", "z"])
        #expect(head.fields.values("accept") == "y, z")
        #expect(head.fields["Accep"] == nil)
        #expect(head.fields.contains("ACCEPT", token: "Z"))
        #expect(!head.fields.contains("ACCEPT", token: "x"))
        #expect(head.fields.count == 4)
    }

    @Test func `RFC 9110 5.5: values keep tabs, obs-text and inner blanks and lose the outer ones`() {
        let text = request("GET / HTTP/1.1", "A: \t b\tc  d \t ", "B:e", "C: \u{E9}\u{80}\u{FF}", "D:", "E: \t ")
        let values = accept(text)?.fields.map { $0[1] }
        #expect(values?.prefix(3) == ["a", "b\tc  d", "e"])
        #expect(values?.suffix(2) == ["", ""])
    }

    @Test func `RFC 9110 5.5: obs-text comes out byte for byte`() throws {
        let bytes = octets(request("GET / HTTP/1.1", "C: \u{E9}\u{80}\u{FF}"))
        var parser = RequestParser()
        let head = RequestHead()
        _ = try bytes.withUnsafeBytes { try parser.parse($0, into: head) }
        #expect(head.fields.withBytes(of: "c") { Array($0) } == [0xE9, 0x80, 0xFF])
    }

    @Test func `RFC 9110 5.1: a name with any other byte is refused, first field, last or between`() {
        for byte in "\"(),/;<=>?@[\\]{}\u{0}\u{1}\u{B}\u{7F}\u{80}\u{A0}\u{FF}".unicodeScalars {
            let line = "N\(Character(byte))n: v"
            refuse(request("GET / HTTP/1.1", line), .invalidFieldName)
            refuse(request("GET / HTTP/1.1", "Some-Longer-Name\(Character(byte)): v", "X: y"), .invalidFieldName)
            refuse("GET / HTTP/1.1\r\n\(line)\r\nHost: a\r\n\r\n", .invalidFieldName)
        }
    }

    @Test func `RFC 9112 5.1: blanks before the colon, no colon and no name are refused`() {
        refuse(request("GET / HTTP/1.1", "N : v"), .spaceBeforeColon)
        refuse(request("GET / HTTP/1.1", "N\t: v"), .spaceBeforeColon)
        refuse(request("GET / HTTP/1.1", "N n: v"), .spaceBeforeColon)
        refuse(request("GET / HTTP/1.1", "Content-Length : 5"), .spaceBeforeColon)
        refuse(request("GET / HTTP/1.1", "N"), .missingColon)
        refuse(request("GET / HTTP/1.1", ": v"), .emptyFieldName)
        refuse(request("GET / HTTP/1.1", ":"), .emptyFieldName)
    }

    @Test func `RFC 9110 5.5: controls and DEL in a value are refused`() {
        for value in (0..<32).filter({ ![9, 10, 13].contains($0) }) + [0x7F] {
            let byte = Character(Unicode.Scalar(UInt8(value)))
            refuse(request("GET / HTTP/1.1", "N: a\(byte)b"), .invalidFieldValue)
            refuse(request("GET / HTTP/1.1", "N:\(byte)", "X: a longer line behind"), .invalidFieldValue)
            refuse(request("GET / HTTP/1.1", "N: some way into a longer value\(byte)"), .invalidFieldValue)
        }
        refuse(request("GET / HTTP/1.1", "N: a\rb"), .bareCarriageReturn)
        refuse(request("GET / HTTP/1.1", "N: a\nb"), .bareLineFeed)
        refuse(request("GET / HTTP/1.1", "N: a\r"), .bareCarriageReturn)
        refuse(request("GET / HTTP/1.1", "N:\rb"), .bareCarriageReturn)
    }

    @Test func `RFC 9112 5.2: a folded field is refused`() {
        refuse(request("GET / HTTP/1.1", "N: a", " b"), .foldedField)
        refuse(request("GET / HTTP/1.1", "N: a", "\tb: c"), .foldedField)
        refuse(request("GET / HTTP/1.1", "N:", " "), .foldedField)
        refuse("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", .foldedField)
    }

    @Test func `RFC 9112 2.2: white space before the first field is refused`() {
        refuse("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .whitespaceBeforeFields)
        refuse("GET / HTTP/1.1\r\n\t\r\nHost: a\r\n\r\n", .whitespaceBeforeFields)
    }

    @Test func `RFC 9112 3.2: a 1 dot 1 request without Host is refused, a 1 dot 0 one is not`() {
        refuse("GET / HTTP/1.1\r\n\r\n", .missingHost)
        refuse("GET / HTTP/1.1\r\nHos: a\r\nHostt: a\r\nXost: a\r\n\r\n", .missingHost)
        #expect(accept("GET / HTTP/1.0\r\n\r\n")?.host == nil)
        #expect(accept("GET / HTTP/1.0\r\nHost: a\r\n\r\n")?.host == "a")
    }

    @Test func `RFC 9112 3.2: two Hosts are refused, equal ones too, in any version`() {
        refuse(request("GET / HTTP/1.1", "Host: b"), .multipleHosts)
        refuse(request("GET / HTTP/1.1", "hOST: a"), .multipleHosts)
        refuse(request("GET / HTTP/1.0", "Host: a"), .multipleHosts)
        refuse(request("GET / HTTP/1.1", "Host: a", "Host: a"), .multipleHosts)
    }

    @Test(arguments: [
        "a b", "a/b", "http://a", "u@a", "a,b", "a, b", "a:x", "a:-1", "a:80:80", "a:65536",
        "a:999999999999999999999", ":80", "a?b", "a#b", "a\\b", "[::1", "::1", "[::1]x", "[::g]", "[1:2:3]", "[]",
        "a%", "a%2", "a%zz", "\u{E9}", "a\"", "<a>", "a|b", "[::1]:x", "[fe80::1%25eth0]", "a\tb", "[1::2::3]",
        "[1:2:3:4:5:6:7:8:9]", "[::1.2.3]",
    ])
    func `RFC 9112 3.2: a Host that is not host and port is refused`(host: String) {
        refuse("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n", .invalidHost)
    }

    @Test(arguments: [
        "", "a", "A.Example.COM", "a:80", "a:", "a:0", "a:65535", "127.0.0.1:8000", "[::1]", "[::1]:80", "a_b-c~d.e",
        "[1:2:3:4:5:6:7:8]", "[::ffff:1.2.3.4]", "[1::8]", "0.0.0.0=5000", "a%41b", "a!$&'()*+;=", "[::]",
        "[1:2:3:4:5:6:1.2.3.4]",
    ])
    func `RFC 9110 7.2: a Host of host and optional port is taken, an empty one too`(host: String) {
        #expect(accept("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")?.host == host)
    }

    @Test func `RFC 9112 9.3: persistence follows version and Connection, a list in any case`() {
        func keepAlive(_ version: String, _ fields: String...) -> Bool? {
            accept((["GET / HTTP/\(version)", "Host: a"] + fields).joined(separator: "\r\n") + "\r\n\r\n")?.keepAlive
        }
        #expect(keepAlive("1.1") == true)
        #expect(keepAlive("1.1", "Connection: close") == false)
        #expect(keepAlive("1.1", "CONNECTION: foo ,\tCLOSE") == false)
        #expect(keepAlive("1.1", "Connection: foo", "Connection: close\t") == false)
        #expect(keepAlive("1.1", "Connection: closed, xclose, clo se") == true)
        #expect(keepAlive("1.1", "Connection: keep-alive, close") == false)
        #expect(keepAlive("1.0") == false)
        #expect(keepAlive("1.0", "Connection: Keep-Alive") == true)
        #expect(keepAlive("1.0", "Connection: keep-alive, close") == false)
        #expect(keepAlive("1.1", "Connection: ,, ,") == true)
    }

    @Test func `RFC 9110 10.1.1: Expect is told apart`() throws {
        func head(_ text: String) throws -> RequestHead {
            var parser = RequestParser()
            let head = RequestHead()
            let count = try octets(text).withUnsafeBytes { try parser.parse($0, into: head) }
            #expect(count == text.utf8.count)
            return head
        }
        #expect(try head(request("PUT / HTTP/1.1", "Expect: 100-Continue", "Content-Length: 1")).expectsContinue)
        #expect(try !head(request("PUT / HTTP/1.0", "Expect: 100-continue", "Content-Length: 1")).expectsContinue)
        #expect(try !head(request("PUT / HTTP/1.1", "Expect: 100-continue", "Content-Length: 0")).expectsContinue)
        #expect(try head(request("PUT / HTTP/1.1", "Expect: 200-ok")).hasUnknownExpectation)
        #expect(try !head(request()).hasUnknownExpectation)
        #expect(try head(request("GET / HTTP/1.1", "Connection: upgrade", "Upgrade: h2c")).hasUpgrade)
        #expect(try !head(request("GET / HTTP/1.1", "Upgrade: h2c")).hasUpgrade)
        #expect(try !head(request("GET / HTTP/1.1", "Connection: upgrade")).hasUpgrade)
    }
}
