import Foundation
import HttpWire
import Testing

struct HTTPDateTests {
    @Test func `RFC 9110 5.6.7: the section's own example is written and read in its three formats`() {
        #expect(HTTPDate.string(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT") == 784_111_777)
        #expect(HTTPDate.parse("Sun Nov  6 08:49:37 1994") == 784_111_777)
        #expect(HTTPDate.parse("Sun Nov 16 08:49:37 1994") == 784_111_777 + 864_000)
    }

    @Test func `RFC 9110 5.6.7: dates agree with Foundation's calendar over four centuries`() {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        for seconds in stride(from: -5_000_000_000, through: 8_000_000_000, by: 86_400 * 37 + 12_345) {
            let text = HTTPDate.string(seconds)
            #expect(text == formatter.string(from: Date(timeIntervalSince1970: Double(seconds))))
            #expect(HTTPDate.parse(text) == seconds)
        }
    }

    @Test func `RFC 9110 5.6.7: leap days, the ends of time and small buffers are no trouble`() {
        #expect(HTTPDate.string(951_782_400) == "Tue, 29 Feb 2000 00:00:00 GMT")
        #expect(HTTPDate.string(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(HTTPDate.string(-1) == "Wed, 31 Dec 1969 23:59:59 GMT")
        #expect(HTTPDate.string(.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(HTTPDate.string(.min) == "Sat, 01 Jan 0000 00:00:00 GMT")
        #expect(throws: WireError.bufferTooSmall) {
            try HTTPDate.write(0, into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        }
    }

    @Test func `RFC 9110 5.6.7: a two-digit year lies at most fifty years ahead`() {
        let now = 1_767_225_600  // 2026
        #expect(HTTPDate.string(HTTPDate.parse("Monday, 01-Jan-76 00:00:00 GMT", now: now) ?? 0).contains("2076"))
        #expect(HTTPDate.string(HTTPDate.parse("Monday, 01-Jan-77 00:00:00 GMT", now: now) ?? 0).contains("1977"))
        #expect(HTTPDate.string(HTTPDate.parse("Monday, 01-Jan-00 00:00:00 GMT", now: now) ?? 0).contains("2000"))
        #expect(HTTPDate.parse("Monday, 01-Jan-00 00:00:00 GMT", now: .max) != nil)
        #expect(HTTPDate.parse("Monday, 01-Jan-00 00:00:00 GMT", now: .min) != nil)
    }

    @Test(arguments: [
        "", "Sun", "Sun, ", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT", "784111777", "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94",
        "Sun, 06 Nov +994 08:49:37 GMT", "Sun, 29 Feb 2100 08:49:37 GMT",
    ])
    func `RFC 9110 5.6.7: anything else is no date`(text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }
}
