// Streams on a network that misbehaves: the right bytes or an error, in time, and nothing left.

import Coro
import CoroTesting
import Testing

@Suite struct PathTests {
    @Test func `a deadline on a silent path is met to the instant, wherever the silence falls`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock, seconds: 10) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            defer { listener.close() }
            loop.spawn { try await listener.serve(grace: .zero, echo) }
            for byte in [0, 1, 99, 100] {
                let path = try FaultyPath(
                    to: listener.address, on: loop, downstream: .smooth.with(.silence, atByte: byte))
                defer { path.close() }
                let stream = try await Connector(loop: loop).connect(to: path.address)
                let deadline = loop.now.advanced(by: .milliseconds(1_500))
                await #expect(throws: TimeoutError.self) {
                    try await loop.withDeadline(deadline) {
                        try await stream.write([UInt8](repeating: 1, count: 100))
                        _ = try await stream.read(exactly: 101)
                    }
                }
                #expect(loop.now == deadline)
                // What came before is still there.
                #expect(stream.unread.count == byte)
            }
        }
    }

    @Test func `a deadline ends a write into a silent path, too`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock, seconds: 10) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            defer { listener.close() }
            loop.spawn { try await listener.serve(grace: .zero, echo) }
            let path = try FaultyPath(to: listener.address, on: loop, upstream: .smooth.with(.silence, atByte: 7))
            defer { path.close() }
            let stream = try await Connector(loop: loop).connect(to: path.address)
            let deadline = loop.now.advanced(by: .seconds(2))
            await #expect(throws: TimeoutError.self) {
                // More than the kernel keeps for both sides.
                try await loop.withDeadline(deadline) { try await stream.write([UInt8](repeating: 1, count: 32 << 20)) }
            }
            #expect(loop.now == deadline)
        }
    }

    @Test func `a hundred seeded runs end in the right bytes or an error`() async throws {
        // From the process's seed on, so that CORO_SEED repeats all of them; each run's failure names its own.
        var complete = 0
        for run in 0..<100 {
            if try await conversation(seed: Seed.ofProcess &+ UInt64(run)) { complete += 1 }
        }
        // Whatever the seed: some reach their end, and some do not.
        #expect(complete > 10 && complete < 90)
    }

    /// An echo over a path with faults both ways; true when all came back.
    private func conversation(seed: UInt64) async throws -> Bool {
        try await withLoop(clock: ManualClock(whenIdle: .jumps), seconds: 20) { loop async throws in
            var chance = SeededGenerator(seed: seed)
            let text = (0..<chance.next(below: 1 << chance.next(below: 15)) + 1).map { _ in
                UInt8(truncatingIfNeeded: chance.next())
            }
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            defer { listener.close() }
            loop.spawn { try await listener.serve(grace: .zero, echo) }
            let path = try FaultyPath(
                to: listener.address, on: loop, upstream: .seeded(seed), downstream: .seeded(seed))
            defer { path.close() }
            let stream = try await Connector(loop: loop).connect(to: path.address)
            do {
                let back = try await loop.withTimeout(.seconds(120)) {
                    try await stream.write(text)
                    stream.finishWriting()
                    return try await stream.read(exactly: text.count)
                }
                #expect(back == text)
                return true
            } catch {
                #expect(error is StreamError || error is TimeoutError, "\(error)")
                #expect(text.starts(with: stream.unread))
                return false
            }
        }
    }
}

/// A handler that sends back what comes. A peer that breaks off is no failure of the server's.
@Sendable private func echo(_ stream: ByteStream) async {
    do {
        while let bytes = try await stream.read() { try await stream.write(bytes) }
    } catch {}
}
