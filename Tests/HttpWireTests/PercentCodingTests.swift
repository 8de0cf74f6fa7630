import HttpWire
import Testing

struct PercentCodingTests {
    @Test func `RFC 3986 2.1: sequences decode in either case, everything else stays`() {
        #expect(PercentCoding.decode("a%20b%2fc%2F") == "a b/c/")
        #expect(PercentCoding.decode("") == "")
        #expect(PercentCoding.decode("a+b") == "a+b")
        #expect(PercentCoding.decode("a+b%2B", plusIsSpace: true) == "a b+")
        #expect(PercentCoding.decode("%C3%A9é") == "éé")
        #expect(PercentCoding.decode("%00%0d%0A") == "\u{0}\r\n")
        #expect(PercentCoding.decode("%25%32%35") == "%25")
        #expect(PercentCoding.decode("/a%2eb".dropFirst()) == "a.b")
    }

    @Test(arguments: [
        "%", "%2", "a%", "%zz", "%2z", "%%20", "%u0041", "%-1", "%+1", "% 1", "%ff", "%C3", "%C0%AF", "%ED%A0%80",
    ])
    func `RFC 3986 2.1: a broken sequence, or bytes that are no UTF-8, decode to nothing`(text: String) {
        #expect(PercentCoding.decode(text) == nil)
    }

    @Test func `RFC 3986 2.1: any byte comes through encoding and decoding`() {
        let text = String(decoding: (0..<128).map { UInt8($0) }, as: UTF8.self) + "é😀"
        for place in [PercentCoding.Place.segment, .path, .queryValue] {
            let encoded = PercentCoding.encode(text, for: place)
            #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
            #expect(PercentCoding.decode(encoded) == text)
        }
        #expect(PercentCoding.decode(PercentCoding.encode(text, for: .form), plusIsSpace: true) == text)
        let bytes = Array("%FF%00a".utf8).withUnsafeBytes { PercentCoding.decode(bytes: $0) }
        #expect(bytes == [0xFF, 0, 0x61])
    }

    @Test func `RFC 3986 3.3: each place keeps what it may hold`() {
        #expect(PercentCoding.encode("a/b c?d#e%&=+", for: .path) == "a/b%20c%3Fd%23e%25&=+")
        #expect(PercentCoding.encode("a/b", for: .segment) == "a%2Fb")
        #expect(PercentCoding.encode("a/b c&d=e+é", for: .queryValue) == "a%2Fb%20c%26d%3De%2B%C3%A9")
        #expect(PercentCoding.encode("a b+c-._~", for: .form) == "a+b%2Bc-._~")
    }
}
