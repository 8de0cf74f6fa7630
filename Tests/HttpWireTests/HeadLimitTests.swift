import HttpWire
import Testing

struct HeadLimitTests {
    private let text = String(repeating: "x", count: 100_000)

    @Test func `RFC 9112 3: long lines and many fields inside the limits work`() {
        let target = "/" + text.prefix(7_880)
        #expect(accept(request("GET \(target) HTTP/1.1"))?.target == target)
        var head = "GET / HTTP/1.1\r\nHost: a\r\n"
        for index in 0..<90 { head += "Field-\(index): value \(index)\r\n" }
        #expect(accept(head + "\r\n")?.fields.count == 91)
        #expect(accept(request("GET / HTTP/1.1", "X: " + text.prefix(8_000)))?.fields.last?[1].count == 8_000)
    }

    @Test func `RFC 9112 3: a target over the limit is 414, with or without an end`() {
        #expect(accept(request("GET /\(text.prefix(16_383)) HTTP/1.1")) != nil)
        refuse(request("GET /\(text.prefix(16_384)) HTTP/1.1"), .targetTooLong)
        refuse("GET /\(text)", .targetTooLong)
        refuse("GET /?\(text)", .targetTooLong)
        #expect(WireError.targetTooLong.status == .uriTooLong)
    }

    @Test func `RFC 9112 3: a method without end is cut off`() {
        refuse(text, .methodTooLong)
        #expect(readRequest(octets(String(text.prefix(64)))) == .incomplete)
    }

    @Test func `RFC 6585 5: a head over the limit is 431, with or without line ends`() {
        refuse(request("GET / HTTP/1.1", "X: \(text)"), .headTooLarge)
        refuse("GET / HTTP/1.1\r\nHost: a\r\nX: \(text)", .headTooLarge)
        refuse("GET / HTTP/1.1\r\nHost: a\r\n\(text)", .headTooLarge)
        #expect(WireError.headTooLarge.status == .requestHeaderFieldsTooLarge)
    }

    @Test func `RFC 6585 5: the limit is exact, and empty lines before the head are not of it`() {
        var limits = WireLimits()
        limits.headBytes = 60
        let exact = request("GET / HTTP/1.1", "X: " + text.prefix(60 - request("GET / HTTP/1.1", "X: ").utf8.count))
        #expect(exact.utf8.count == 60)
        accept(exact, limits: limits)
        accept("\r\n" + exact, limits: limits)
        limits.headBytes = 59
        #expect(readRequest(octets(exact), limits: limits) == .refused(.headTooLarge))
    }

    @Test func `RFC 6585 5: one field more than the limit is 431`() {
        var limits = WireLimits()
        limits.fieldCount = 3
        accept(request("GET / HTTP/1.1", "A: b", "C: d"), limits: limits)
        refuse(request("GET / HTTP/1.1", "A: b", "C: d", "E: f"), .tooManyFields, limits: limits)
        refuse("GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 129), .tooManyFields)
    }

    @Test func `RFC 9112 2.2: limits of zero refuse and do not trap`() {
        var limits = WireLimits()
        limits.headBytes = -5
        limits.fieldCount = 0
        limits.targetBytes = 0
        limits.leadingEmptyLines = 0
        #expect(readRequest(octets(request()), limits: limits) == .refused(.headTooLarge))
        limits.headBytes = .max
        #expect(readRequest(octets(request()), limits: limits) == .refused(.targetTooLong))
        limits.targetBytes = .max / 2
        #expect(readRequest(octets(request()), limits: limits) == .refused(.tooManyFields))
    }
}
