import Coro
import CoroTesting
import Testing

@testable import Http

@Suite struct BodyWriterTests {
    /// What the peer gets of a body.
    private func written(
        declared: Int? = nil, isChunked: Bool, _ body: @escaping @Sendable (BodyWriter) async throws -> Void
    ) async throws -> String {
        try await withLoop { loop in
            let (peer, stream) = try streamPair(on: loop)
            let writer = BodyWriter(stream: stream, declared: declared, isChunked: isChunked)
            try await body(writer)
            try writer.finish()
            try await stream.flush()
            stream.close()
            var bytes: [UInt8] = []
            while let more = try await peer.read() { bytes += more }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test func `RFC 9112 §7.1: each piece is a chunk, an empty one none, and the end is the last chunk`() async throws {
        let text = try await written(isChunked: true) { writer in
            for piece in ["one", "", String(repeating: "x", count: 16)] { try await writer.write(piece) }
        }
        #expect(text == "3\r\none\r\n10\r\nxxxxxxxxxxxxxxxx\r\n0\r\n\r\n")
    }

    @Test func `RFC 9110 §6.5.1: trailers that must come before the body are refused`() async throws {
        await #expect(throws: WireError.forbiddenTrailer) {
            _ = try await written(isChunked: true) { $0.trailers = ["Content-Length": "5"] }
        }
        let text = try await written(isChunked: true) { $0.trailers = ["X": "y"] }
        #expect(text == "0\r\nX: y\r\n\r\n")
    }

    @Test func `a length is kept, or the writer is told`() async throws {
        let text = try await written(declared: 4, isChunked: false) { writer in
            for piece in ["ab", "cd"] { try await writer.write(piece) }
        }
        #expect(text == "abcd")
        for count in [3, 5] {
            await #expect(throws: BodyError.wrongLength(declared: 4, written: count)) {
                _ = try await written(declared: 4, isChunked: false) {
                    try await $0.write(Array(repeating: 120, count: count))
                }
            }
        }
    }
}
