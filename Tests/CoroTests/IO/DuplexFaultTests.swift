import Coro
import CoroTesting
import Glibc
import Testing

/// Both directions at once.
@Suite struct DuplexFaultTests {
    private static let text = (0..<5_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

    @Test func `what goes out comes back, with faults on both ends and tasks in any order`() async throws {
        for offset in 0..<10 {
            let seed = Seed.ofProcess &+ UInt64(offset)
            try await withLoop(order: .seeded(seed)) { loop in
                let pair = try StreamPair(on: loop, bufferBytes: 4 * 1024)
                let (left, right) = (pair.left, pair.right)
                left.inject(.seeded(seed))
                right.inject(.seeded(seed &+ 1_000))
                let echoing = loop.spawn {
                    while let bytes = try await right.read() { try await right.write(bytes) }
                    right.finishWriting()
                }
                let sending = loop.spawn {
                    for start in stride(from: 0, to: Self.text.count, by: 500) {
                        try await left.write(Array(Self.text[start..<start + 500]))
                    }
                    left.finishWriting()
                }
                var back: [UInt8] = []
                while let bytes = try await left.read() { back += bytes }
                #expect(back == Self.text)
                try await sending.value
                try await echoing.value
            }
        }
    }

    @Test func `a reset that the writer meets wakes the reader that sleeps`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            // The read that finds nothing is step 0.
            left.inject(.smooth.with(.reset, atStep: 1))
            let reading = loop.spawn { try await left.read() }
            try await loop.moment()
            await #expect(throws: StreamError.broken(IOError(call: "send", code: ECONNRESET))) {
                try await left.write("x")
            }
            await #expect(throws: StreamError.broken(IOError(call: "recv", code: ECONNRESET))) {
                try await reading.value
            }
        }
    }

    @Test func `a reset that the reader meets wakes the writer that sleeps`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            // The first call takes what fits, which shows that there is no more room; the second is the reader's.
            let plan = left.inject(.reset(atStep: 1))
            let writing = loop.spawn { try await left.write([UInt8](repeating: 0, count: 4_000_000)) }
            while !left.isWriterWaiting { try await loop.moment() }
            #expect(plan.steps == 1)
            await #expect(throws: StreamError.broken(IOError(call: "recv", code: ECONNRESET))) {
                try await left.read()
            }
            await #expect(throws: StreamError.broken(IOError(call: "send", code: EPIPE))) { try await writing.value }
        }
    }

    @Test func `a stream that is dropped while a stall is pending is let go of`() async throws {
        try await withLoop { loop async throws in
            var pair: StreamPair? = try StreamPair(on: loop)
            try #require(pair).left.inject(.stallBeforeEachStep())
            #expect({ if case .wouldBlock = pair?.left.receiveNow() { true } else { false } }())
            pair = nil
            try await loop.moment()
        }
    }
}
