#if TLS

import Coro
import CoroTLS
import CoroTesting
import Testing

/// The ways to read and write that do not go through one plain buffer, with records instead of bytes beneath them.
@Suite struct SecureWritingTests {
    private static let text = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    /// What the server reads when the client writes by `write` and says that it was all.
    private func arrives(
        under plan: FaultPlan = .smooth, on loop: EventLoop,
        _ write: @escaping @Sendable (ByteStream) async throws -> Void
    ) async throws -> [UInt8] {
        let pair = try await SecurePair(on: loop)
        // A stream that nobody holds is closed, and drops what is queued.
        defer { pair.client.close() }
        pair.client.inject(plan)
        let client = pair.client
        let writing = loop.spawn {
            try await write(client)
            client.finishWriting()
        }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 50_000, alignment: 1)
        defer { room.deallocate() }
        try await pair.server.read(filling: room)
        let rest = try await pair.server.collect()
        try await writing.value
        return Array(room) + rest
    }

    @Test func `appended and drained, all arrives, with nobody to flush it`() async throws {
        try await withLoop { loop async throws in
            for plan in [FaultPlan.smooth, .pieces(of: 5_000), .stallBeforeEachStep()] {
                let came = try await arrives(under: plan, on: loop) { stream in
                    for start in stride(from: 0, to: Self.text.count, by: 10_000) {
                        stream.append(Array(Self.text[start..<start + 10_000]))
                        try await stream.drain()
                    }
                }
                #expect(came == Self.text)
            }
        }
    }

    @Test func `several pieces, and what is appended meanwhile, arrive in their order`() async throws {
        try await withLoop { loop async throws in
            for plan in [FaultPlan.smooth, .pieces(of: 5_000), .stallBeforeEachStep()] {
                let came = try await arrives(under: plan, on: loop) { stream in
                    let pieces = stride(from: 0, to: Self.text.count, by: 1_000).map {
                        Array(Self.text[$0..<$0 + 1_000])
                    }
                    stream.append("first ")
                    try await stream.write(pieces: pieces)
                    stream.append(" last")
                }
                #expect(came == Array("first ".utf8) + Self.text + Array(" last".utf8))
            }
        }
    }

    @Test func `what a cancelled write leaves goes out by itself`() async throws {
        try await withLoop { loop async throws in
            let came = try await arrives(on: loop) { stream in
                stream.append("first ")
                let text = Self.text + Self.text + Self.text
                let writing = loop.spawn { try await stream.write(text) }
                while !stream.isWriterWaiting, !writing.future.isDone { try await loop.moment() }
                writing.cancel()
                try? await writing.value
            }
            #expect(came == Array("first ".utf8) + Self.text + Self.text + Self.text)
        }
    }
}
#endif
