import Coro
import CoroTesting
import Glibc
import Testing

/// The plans themselves. What the streams make of them is in `IO`.
@Suite struct FaultPlanTests {
    private static let text = Array("twelve bytes".utf8)

    @Test func `a pair carries bytes both ways, and dropping an end closes it`() async throws {
        try await withLoop { loop in
            var pair: StreamPair? = try StreamPair(on: loop)
            let right = try #require(pair).right
            try await pair?.left.write("there")
            #expect(try await right.read(exactly: 5) == Array("there".utf8))
            try await right.write("back")
            #expect(try await pair?.left.read(exactly: 4) == Array("back".utf8))
            pair = nil
            #expect(try await right.read() == nil)
        }
    }

    @Test func `one byte at a time is one byte an iteration`() async throws {
        try await withLoop { loop in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.oneByteAtATime)
            try await pair.right.write(Self.text)
            var pieces: [[UInt8]] = []
            while pieces.count < Self.text.count, let piece = try await pair.left.read() { pieces.append(piece) }
            #expect(pieces == Self.text.map { [$0] })
            #expect(plan.steps == Self.text.count)
        }
    }

    @Test func `a storm of stalls moves all the same`() async throws {
        try await withLoop { loop in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.stallBeforeEachStep(times: 3))
            try await pair.right.write(Self.text)
            #expect(try await pair.left.read(exactly: 12) == Self.text)
            #expect(plan.steps == 4)
        }
    }

    @Test func `a script is played once, in order`() async throws {
        try await withLoop { loop in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.script([.stall, .atMost(2), nil]))
            try await pair.right.write(Self.text)
            #expect(try await pair.left.read() == Array("tw".utf8))
            #expect(try await pair.left.read() == Array("elve bytes".utf8))
            #expect(plan.steps == 3)
        }
    }

    @Test func `a reset ends both directions for good, and the peer`() async throws {
        try await withLoop { loop in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.reset(atStep: 0))
            let reset = StreamError.broken(IOError(call: "recv", code: ECONNRESET))
            for _ in 0..<2 { await #expect(throws: reset) { try await pair.left.read() } }
            await #expect(throws: reset) { try await pair.left.write("x") }
            #expect(try await pair.right.read() == nil)
            #expect(plan.isReached)
            #expect(plan.steps == 1)
        }
    }

    @Test func `another errno is told as it is`() async throws {
        try await withLoop { loop in
            let pair = try StreamPair(on: loop)
            pair.left.inject(.smooth.with(.fail(errno: ETIMEDOUT), atStep: 0))
            await #expect(throws: StreamError.broken(IOError(call: "recv", code: ETIMEDOUT))) {
                try await pair.left.read()
            }
        }
    }

    @Test func `the end comes at its byte, and writing goes on`() async throws {
        try await withLoop { loop in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.end(atByte: 5))
            try await pair.right.write(Self.text)
            await #expect(throws: StreamError.ended(received: 5)) { try await pair.left.read(exactly: 12) }
            #expect(plan.isReached)
            try await pair.left.write("bye")
            #expect(try await pair.right.read(exactly: 3) == Array("bye".utf8))
        }
    }

    @Test func `a hang lasts until it is released, and nothing is lost`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.smooth.with(.hang, atStep: 0))
            try await pair.right.write(Self.text)
            for _ in 0..<2 {
                await #expect(throws: TimeoutError.self) {
                    try await loop.withTimeout(.seconds(60)) { try await pair.left.read() }
                }
            }
            #expect(clock.now == 120_000_000_000)
            plan.release()
            #expect(try await pair.left.read() == Self.text)
        }
    }

    @Test func `the same seed plays the same faults`() async throws {
        @Sendable func pieces(_ seed: UInt64) async throws -> [Int] {
            try await withLoop { loop in
                let pair = try StreamPair(on: loop)
                let plan = pair.left.inject(.seeded(seed))
                #expect(plan.description == "seed \(seed)")
                try await pair.right.write([UInt8](repeating: 7, count: 2000))
                var left = 2000
                var sizes: [Int] = []
                while left > 0, let piece = try await pair.left.read() {
                    sizes.append(piece.count)
                    left -= piece.count
                }
                return sizes + [plan.steps]
            }
        }
        let first = try await pieces(5)
        #expect(try await pieces(5) == first)
        #expect(try await pieces(6) != first)
    }

    @Test func `what no kernel could do to a pipe or a datagram socket is refused`() async throws {
        let pipes = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let loop = try EventLoop()
            try loop.runSync { _ = try pipe(on: loop).writer.inject(.reset(atStep: 0)) }
        }
        let datagrams = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let loop = try EventLoop()
            try loop.runSync {
                _ = try DatagramSocket(on: loop, address: .loopback(port: 0)).inject(.end(atByte: 5))
            }
        }
        for result in [pipes, datagrams] {
            #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("No kernel resets a pipe"))
        }
    }

    @Test func `each step is visited once, and the driver stops when the fault is not met`() async throws {
        let visited = Journal<String>()
        let steps = try await forEachStep(.reset) { plan in
            visited.note(plan.description)
            try await withLoop { loop in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                do {
                    try await pair.left.write("question")
                    _ = try await pair.right.read(exactly: 8)
                    try await pair.right.write("answer")
                    _ = try await pair.left.read(exactly: 6)
                } catch is StreamError {}
            }
        }
        #expect(steps == 2)
        #expect(visited.entries == ["reset at step 0", "reset at step 1", "reset at step 2"])
    }

    @Test func `what a body throws comes with its step, and so does an expectation that fails`() async throws {
        let failure = await #expect(throws: FaultStepError.self) {
            try await forEachStep(.stall) { _ in throw Oops("at step 0") }
        }
        #expect(failure?.failure as? Oops == Oops("at step 0"))
        #expect(failure?.plan == "stall at step 0")
        let comments = Journal<String>()
        try await catchingIssues(comments) {
            try await forEachStep(.stall) { _ in Issue.record("on purpose") }
        }
        #expect(comments.entries == ["on purpose", "fault plan: stall at step 0"])
    }

    @Test func `a body that never ends is given up`() async throws {
        await #expect(throws: FaultStepError.self) {
            try await forEachStep(.stall, limit: 5) { plan in
                try await withLoop { loop in
                    let pair = try StreamPair(on: loop)
                    pair.left.inject(plan)
                    while !plan.isReached {
                        try await pair.left.write("x")
                    }
                }
            }
        }
    }
}
