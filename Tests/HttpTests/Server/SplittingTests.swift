// The same requests, cut up in thousands of ways: what comes back never depends on where the pieces end.

import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct SplittingTests {
    /// A generator that gives the same numbers each time (SplitMix64).
    private struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static func requests(_ dice: inout Dice) -> (bytes: String, texts: [String]) {
        var bytes = ""
        var texts: [String] = []
        for index in 0..<40 {
            let body = String(repeating: "b\(index)\r\n", count: Int.random(in: 0...12, using: &dice))
            switch Int.random(in: 0...3, using: &dice) {
            case 0:
                bytes += get(
                    "/\(index)", "X-Pad: \(String(repeating: "p", count: Int.random(in: 0...300, using: &dice)))")
                texts.append("/\(index) ")
            case 1:
                bytes += "\r\n" + post("/\(index)", body)
                texts.append("/\(index) \(body)")
            case 2:
                bytes += "PUT http://test/\(index) HTTP/1.1\r\nhOST:\ttest \r\nTransfer-Encoding: Chunked\r\n\r\n"
                var rest = body.utf8[...]
                while !rest.isEmpty {
                    let size = Int.random(in: 1...rest.count, using: &dice)
                    bytes +=
                        "0" + String(size, radix: 16, uppercase: true) + ";x=y\r\n" + String(rest.prefix(size))!
                        + "\r\n"
                    rest = rest.dropFirst(size)
                }
                bytes += "0\r\nX-Trailer: t\r\n\r\n"
                texts.append("/\(index) \(body)")
            default:
                bytes += post("/unread/\(index)", body)
                texts.append("unread /unread/\(index)")
            }
        }
        return (bytes, texts)
    }

    @Test(arguments: 1...40)
    func `RFC 9112 §2.2: requests may be split anywhere`(_ seed: Int) async throws {
        let handler: HTTPServer.Handler = { request in
            request.path.hasPrefix("/unread")
                ? .text("unread \(request.path)") : .text("\(request.path) \(try await request.body.text())")
        }
        try await withServer(handler: handler) { served in
            var dice = Dice(state: UInt64(seed))
            let (text, expected) = Self.requests(&dice)
            let bytes = Array(text.utf8)
            // Seed 1 sends byte by byte.
            let largest = seed == 1 ? 1 : 1 << Int.random(in: 1...11, using: &dice)
            var pieces: [[UInt8]] = []
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Int.random(in: 1...largest, using: &dice))
                pieces.append(Array(bytes[start..<end]))
                start = end
            }
            let client = try served.client()
            let sending = served.loop.spawn { [stream = client.stream, pieces] in
                for piece in pieces {
                    try await stream.write(piece)
                    try await stream.loop.moment()
                }
            }
            for text in expected { #expect(try await client.answer().text == text) }
            try await sending.value
        }
    }
}
