import Coro
import CoroTesting
import Glibc
import Testing

/// The path itself: what each fault does to the bytes. What streams and protocols make of it is in `IO/PathTests`.
@Suite struct FaultyPathTests {
    private static let text = Array("twelve bytes".utf8)

    /// A server that says its twelve bytes and ends, behind a path.
    private func withAnswer(
        clock: any LoopClock = ManualClock(whenIdle: .jumps), _ downstream: PathPlan,
        _ body: @escaping @Sendable (ByteStream, FaultyPath) async throws -> Void
    ) async throws {
        try await withLoop(clock: clock, seconds: 10) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            defer { listener.close() }
            loop.spawn { try await listener.serve(grace: .zero) { stream in try await stream.write(Self.text) } }
            let path = try FaultyPath(to: listener.address, on: loop, downstream: downstream)
            defer { path.close() }
            try await body(try await Connector(loop: loop).connect(to: path.address), path)
        }
    }

    @Test func `a smooth path carries both ways and both ends, also a half-close`() async throws {
        try await withLoop(seconds: 10) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            defer { listener.close() }
            let path = try FaultyPath(to: listener.address, on: loop)
            defer { path.close() }
            let near = try await Connector(loop: loop).connect(to: path.address)
            let far = try #require(try await listener.accept())
            try await near.write("question")
            near.finishWriting()
            #expect(try await far.collect() == Array("question".utf8))
            try await far.write("answer")
            far.close()
            #expect(try await near.collect() == Array("answer".utf8))
            #expect(path.connectionCount == 1 && path.met.isEmpty)
        }
    }

    @Test func `a stall, a delay and a rate take their time on the loop's clock, and no byte`() async throws {
        let plans: [(PathPlan, Int64)] = [
            (.smooth.with(.stall(.seconds(60)), atByte: 5), 60_000),
            (.smooth.with(.delay(.milliseconds(70))), 70),
            // Ten bytes of twelve at five a second.
            (.smooth.with(.rate(5), atByte: 2), 2_000),
        ]
        for (plan, milliseconds) in plans {
            let clock = ManualClock(whenIdle: .jumps)
            try await withAnswer(clock: clock, plan) { stream, path async throws in
                #expect(try await stream.read(exactly: 12) == Self.text)
                #expect(clock.now == milliseconds * 1_000_000, "\(plan)")
                #expect(path.met.count == 1)
            }
        }
    }

    @Test func `slices come one by one`() async throws {
        try await withAnswer(.smooth.with(.slices(1))) { stream, _ async throws in
            var pieces: [[UInt8]] = []
            while let piece = try await stream.read() { pieces.append(piece) }
            #expect(pieces == Self.text.map { [$0] })
        }
    }

    @Test func `a cut is an end at its byte`() async throws {
        for byte in 0...12 {
            try await withAnswer(.smooth.with(.cut, atByte: byte)) { stream, path async throws in
                #expect(try await stream.collect() == Array(Self.text[..<byte]))
                #expect(path.met == [.cut])
            }
        }
    }

    @Test func `a reset is one at its byte, and never an end`() async throws {
        for byte in 0...12 {
            try await withAnswer(.smooth.with(.reset, atByte: byte)) { stream, _ async throws in
                let reset = StreamError.broken(IOError(call: "recv", code: ECONNRESET))
                await #expect(throws: reset) { try await stream.collect() }
                #expect(Array(stream.unread) == Array(Self.text[..<byte]))
            }
        }
    }

    @Test func `a fault beyond the last byte is not met`() async throws {
        try await withAnswer(.smooth.with(.reset, atByte: 13)) { stream, path async throws in
            #expect(try await stream.collect() == Self.text)
            #expect(path.met.isEmpty)
        }
    }

    @Test func `silence lasts until the path is closed`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withAnswer(clock: clock, .smooth.with(.silence, atByte: 5)) { stream, path async throws in
            #expect(try await stream.read(exactly: 5) == Array("twelv".utf8))
            await #expect(throws: TimeoutError.self) {
                try await stream.loop.withTimeout(.seconds(86_400)) { try await stream.fill() }
            }
            path.close()
            path.close()
            // Closed or reset: but it is over.
            _ = try? await stream.collect()
            await #expect(throws: ConnectError.self) {
                try await Connector(loop: stream.loop).connect(to: path.address)
            }
        }
    }

    @Test func `a server that is not there resets whoever comes`() async throws {
        try await withLoop(seconds: 10) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            listener.close()
            let path = try FaultyPath(to: listener.address, on: loop)
            defer { path.close() }
            let stream = try await Connector(loop: loop).connect(to: path.address)
            await #expect(throws: StreamError.self) { try await stream.read() }
        }
    }

    @Test func `the same seed draws the same faults, for each connection others`() async throws {
        @Sendable func run(_ seed: UInt64) async throws -> [[PathFault]] {
            try await withLoop(clock: ManualClock(whenIdle: .jumps), seconds: 10) { loop async throws in
                var met: [[PathFault]] = []
                let listener = try Listener(on: loop, address: .loopback(port: 0))
                defer { listener.close() }
                loop.spawn {
                    try await listener.serve(grace: .zero) { try await $0.write([UInt8](repeating: 7, count: 1000)) }
                }
                let path = try FaultyPath(to: listener.address, on: loop, downstream: .seeded(seed))
                defer { path.close() }
                for _ in 0..<10 {
                    let before = path.met.count
                    let stream = try await Connector(loop: loop).connect(to: path.address)
                    _ = try? await loop.withTimeout(.seconds(600)) { try await stream.collect() }
                    met.append(Array(path.met[before...]))
                }
                return met
            }
        }
        let first = try await run(5)
        #expect(try await run(5) == first)
        #expect(try await run(6) != first)
        #expect(Set(first.map(\.description)).count > 2)
    }

    @Test func `a plan says what it is`() {
        #expect(PathPlan.smooth.description == "no fault")
        #expect(PathPlan.seeded(7).with(.cut, atByte: 3).description == "seed 7, cut at byte 3")
    }

    @Test func `a failure on a seeded path names its seed`() async throws {
        let failure = await #expect(throws: SeededFailure.self) {
            try await withLoop { loop async throws in
                try FaultyPath(to: .loopback(port: 1), on: loop, upstream: .seeded(77)).close()
                throw Oops()
            }
        }
        #expect(failure?.description.contains("a path's faults were drawn, from seed 77") == true)
    }
}
