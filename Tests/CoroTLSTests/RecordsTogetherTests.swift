#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// What is longer than a record: three records go with one call.
@Suite struct RecordsTogetherTests {
    private static let text = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    /// A secure connection whose server has sent its tickets, with `plan` below the server from now on.
    private func pair(on loop: EventLoop, _ plan: FaultPlan) async throws -> SecurePair {
        let pair = try await SecurePair(on: loop)
        try await pair.exchange()
        pair.server.inject(plan)
        return pair
    }

    @Test(arguments: [(16_384, 1), (16_385, 1), (32_768, 1), (49_152, 1), (49_153, 2), (98_304, 2), (100_000, 3)])
    func `three records go with one call`(_ count: Int, _ calls: Int) async throws {
        try await withLoop { loop async throws in
            let text = Array(Self.text.prefix(count))
            let array = FaultPlan.smooth
            let pair = try await pair(on: loop, array)
            let reading = loop.spawn { try await pair.client.read(exactly: count) }
            try await pair.server.write(text)
            #expect(try await reading.value == text)
            #expect(array.steps == calls)

            let file = TemporaryFile(text)
            let asFile = FaultPlan.smooth
            pair.server.inject(asFile)
            let readingFile = loop.spawn { try await pair.client.read(exactly: count) }
            try await pair.server.write(file: file.descriptor, count: count)
            #expect(try await readingFile.value == text)
            #expect(asFile.steps == calls)
        }
    }

    /// A record of 16,384 bytes is 16,406 on the wire.
    @Test(arguments: [1, 16_405, 16_406, 16_407, 32_811, 32_812, 32_813, 49_217])
    func `what the kernel takes a part of is not sent before the rest is`(_ count: Int) async throws {
        try await withLoop { loop async throws in
            let text = Array(Self.text.prefix(49_152))
            let plan = FaultPlan.script([.atMost(count), .hang])
            let pair = try await pair(on: loop, plan)
            let writing = loop.spawn { try await pair.server.write(text) }
            while !pair.server.isWriterWaiting || plan.steps < 2 { try await loop.moment() }
            writing.cancel()
            await #expect(throws: CancellationError.self) { try await writing.value }
            // The record that is pending, at least.
            #expect(pair.server.unsentCount >= 16_384)
            plan.release()
            #expect(try await pair.client.read(exactly: text.count) == text)
            try await pair.server.flush()
            #expect(pair.server.unsentCount == 0)
        }
    }

    @Test func `new keys go out where they were made`() async throws {
        try await withLoop { loop async throws in
            for plan in [FaultPlan.smooth, .pieces(of: 700), .stallBeforeEachStep(), .seeded()] {
                let pair = try await pair(on: loop, plan)
                let reading = loop.spawn { try await pair.client.read(exactly: 2 * Self.text.count) }
                try await pair.server.write(Self.text)
                #expect((pair.server.layer as? TLSLayer)?.updateKeys() == true)
                try await pair.server.write(Self.text)
                #expect(try await reading.value == Self.text + Self.text)
            }
        }
    }

    @Test func `a reset at each step is a broken write, and never an end`() async throws {
        try await withLoop(seconds: 120) { loop async throws in
            let text = Array(Self.text.prefix(70_000))
            let steps = try await forEachStep(.reset, in: .pieces(of: 9_000)) { plan async throws in
                let pair = try await pair(on: loop, plan)
                let got = Locked<[UInt8]>([])
                let reading = loop.spawn {
                    while let bytes = try await pair.client.read() { got.withLock { $0 += bytes } }
                }
                let error = await failure { try await pair.server.write(text) }
                pair.server.close()
                let end = await failure { try await reading.value }
                #expect(got.withLock { text.starts(with: $0) })
                guard plan.isReached else {
                    #expect(got.withLock { $0 } == text)
                    return
                }
                // It may fall on the farewell.
                if error == nil {
                    #expect(got.withLock { $0 } == text)
                } else {
                    #expect(end != nil)
                }
            }
            #expect(steps > 8)
        }
    }
}
#endif
