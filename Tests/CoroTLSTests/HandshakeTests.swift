#if TLS

import Coro
import CoroTLS
import CoroTesting
import Testing

@Suite struct HandshakeTests {
    @Test func `what is written on one side is read on the other`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            try await pair.client.write("ping\n")
            #expect(try await pair.server.read(until: 10) == Array("ping\n".utf8))
            try await pair.server.write("pong\n")
            #expect(try await pair.client.read(until: 10) == Array("pong\n".utf8))
            #expect(pair.client.tls?.version == .tls13)
            #expect(pair.server.tls?.serverName == "localhost")
            #expect(pair.client.tls?.peerCertificate?.names == ["localhost", "127.0.0.1"])
        }
    }

    @Test func `a megabyte goes through whole, in both directions at once`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await loop.withScope { scope in
                for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
                    scope.spawn { try await from.write(bytes) }
                    scope.spawn { () async throws in #expect(try await to.read(exactly: bytes.count) == bytes) }
                }
            }
        }
    }

    @Test func `a stream that is finished ends on the other side, which may still write`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            try await pair.client.write("all")
            pair.client.finishWriting()
            #expect(try await pair.server.collect() == Array("all".utf8))
            try await pair.server.write("thanks")
            #expect(try await pair.client.read(exactly: 6) == Array("thanks".utf8))
        }
    }

    @Test func `a connection that is cut without close_notify is truncated, not ended`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            try await pair.client.write("half")
            pair.client.cutWithoutFarewell()
            await #expect(throws: StreamError.truncated) { try await pair.server.collect() }
        }
    }
}
#endif
