import Coro
import CoroTesting
import Glibc
import Testing

/// Every way to read, under everything that can go wrong, at every place where it can. What must hold: nothing is read
/// twice, nothing is lost, and a wait that was cancelled or timed out has not happened.
@Suite struct ReadFaultTests {
    /// What is read to the end under `plan`.
    private func reads(
        _ reading: Reading, _ supply: Supply, under plan: FaultPlan, on loop: EventLoop
    ) async throws -> [UInt8] {
        let pair = try StreamPair(on: loop)
        pair.left.inject(plan)
        let supplying = supply.start(Reading.text, on: pair.right)
        let bytes = Journal<UInt8>()
        try await reading.run(pair.left, into: bytes)
        try await supplying.value
        return bytes.entries
    }

    @Test(arguments: Reading.all, Supply.allCases)
    func `all is read, one byte at a time`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop { loop async throws in
            #expect(try await reads(reading, supply, under: .oneByteAtATime, on: loop) == Reading.text)
        }
    }

    @Test(arguments: Reading.all, Supply.allCases)
    func `all is read, in a storm of stalls`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop { loop async throws in
            #expect(try await reads(reading, supply, under: .stallBeforeEachStep(times: 2), on: loop) == Reading.text)
        }
    }

    @Test(arguments: Reading.all, Supply.allCases)
    func `all is read, whatever the seed`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop { loop async throws in
            for offset in 0..<20 {
                let plan = FaultPlan.seeded(Seed.ofProcess &+ UInt64(offset))
                #expect(try await reads(reading, supply, under: plan, on: loop) == Reading.text, "\(plan)")
            }
        }
    }

    @Test(arguments: Reading.all, Supply.allCases)
    func `all is read, with a stall at each step`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.stall, in: .pieces(of: 2)) { plan async throws in
                #expect(try await reads(reading, supply, under: plan, on: loop) == Reading.text)
            }
        }
    }

    @Test(arguments: Reading.all, Supply.allCases)
    func `a reset at each step: what came before it was read, or is unread`(
        _ reading: Reading, _ supply: Supply
    ) async throws {
        let steps = try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.reset, in: .oneByteAtATime) { plan async throws in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let supplying = supply.start(Reading.text, on: pair.right)
                let bytes = Journal<UInt8>()
                do {
                    try await reading.run(pair.left, into: bytes)
                    #expect(!plan.isReached)
                    #expect(bytes.entries == Reading.text)
                } catch StreamError.broken(let error) {
                    #expect(plan.isReached)
                    #expect(error == IOError(call: "recv", code: ECONNRESET))
                    let came = bytes.entries + Array(pair.left.unread)
                    #expect(came == Array(Reading.text.prefix(pair.left.receivedTotal)))
                    // And again: a broken stream does not turn into an ended one.
                    await #expect(throws: StreamError.broken(error)) { try await pair.left.fill() }
                }
                try await supplying.value
            }
        }
        #expect(steps > Reading.text.count)
    }

    @Test(arguments: Reading.all, Supply.allCases)
    func `the peer's end after each byte`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            for count in 0...Reading.text.count {
                let plan = FaultPlan.end(atByte: count)
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let supplying = supply.start(Reading.text, on: pair.right)
                let bytes = Journal<UInt8>()
                do {
                    try await reading.run(pair.left, into: bytes)
                } catch StreamError.ended(let received) {
                    #expect(received == pair.left.unread.count)
                }
                #expect(plan.isReached)
                #expect(bytes.entries + Array(pair.left.unread) == Array(Reading.text.prefix(count)))
                try await supplying.value
            }
        }
    }

    /// When the cancel comes: inside the call that finds nothing, or when the task sleeps.
    enum Moment: CaseIterable { case atTheCall, asleep }

    @Test(arguments: Reading.cancellable, Moment.allCases)
    func `a read cancelled at each step has not happened`(_ reading: Reading, _ moment: Moment) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .oneByteAtATime) { plan async throws in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let supplying = Supply.trickling.start(Reading.text, on: pair.right)
                let bytes = Journal<UInt8>()
                let task = loop.spawn { try await reading.run(pair.left, into: bytes) }
                plan.whenReached {
                    if moment == .atTheCall { task.cancel() } else { loop.callLater(.zero) { task.cancel() } }
                }
                do {
                    try await task.value
                    #expect(!plan.isReached)
                } catch is CancellationError {
                    #expect(plan.isReached)
                }
                if plan.isReached {
                    plan.release()
                    try await reading.run(pair.left, into: bytes)
                }
                #expect(bytes.entries == Reading.text)
                try await supplying.value
            }
        }
    }

    @Test(arguments: Reading.cancellable)
    func `a read that times out at each step has not happened`(_ reading: Reading) async throws {
        try await forEachStep(.hang, in: .oneByteAtATime) { plan async throws in
            let clock = ManualClock(whenIdle: .jumps)
            try await withLoop(clock: clock) { loop in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let supplying = Supply.trickling.start(Reading.text, on: pair.right)
                let bytes = Journal<UInt8>()
                let start = clock.now
                do {
                    try await loop.withTimeout(.seconds(60)) { try await reading.run(pair.left, into: bytes) }
                    #expect(!plan.isReached)
                    #expect(clock.now == start)
                } catch is TimeoutError {
                    #expect(plan.isReached)
                    #expect(clock.now == start + 60_000_000_000)
                }
                if plan.isReached {
                    plan.release()
                    try await reading.run(pair.left, into: bytes)
                }
                #expect(bytes.entries == Reading.text)
                try await supplying.value
            }
        }
    }

    @Test(arguments: Reading.all)
    func `closing at each step ends the read`(_ reading: Reading) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .oneByteAtATime) { plan async throws in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let supplying = Supply.trickling.start(Reading.text, on: pair.right)
                let bytes = Journal<UInt8>()
                plan.whenReached { loop.callLater(.zero) { pair.left.close() } }
                do {
                    try await reading.run(pair.left, into: bytes)
                    #expect(!plan.isReached)
                } catch StreamError.closed {
                    #expect(plan.isReached)
                }
                #expect(bytes.entries == Array(Reading.text.prefix(bytes.entries.count)))
                try await supplying.value
            }
        }
    }

    @Test func `a second reader is refused, and the first is not disturbed`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (left, right) = (pair.left, pair.right)
            let first = loop.spawn { try await left.read(exactly: 5) }
            try await loop.moment()
            await #expect(throws: StreamError.busy("reading")) { try await left.read() }
            try await right.write("first")
            #expect(try await first.value == Array("first".utf8))
        }
    }

    /// (By `unread` and `consume` alone a reader helps itself.)
    @Test(arguments: Reading.cancellable.filter { $0.testDescription != "fill and consume half" })
    func `a second reader is refused what the first one waits to be more`(_ reading: Reading) async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (left, right) = (pair.left, pair.right)
            try await right.write("a line\nof f")
            let first = loop.spawn { try await left.read(exactly: 12) }
            try await loop.moment()
            #expect(left.isReaderWaiting)
            await #expect(throws: StreamError.busy("reading")) { try await reading.next(left) }
            try await right.write("i")
            #expect(try await first.value == Array("a line\nof fi".utf8))
        }
    }

    @Test func `a line longer than its limit is refused, however it arrives, and is still there`() async throws {
        for plan in [FaultPlan.smooth, .oneByteAtATime, .pieces(of: 7)] {
            try await withLoop { loop async throws in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                try await pair.right.write("0123456789\n")
                await #expect(throws: StreamError.limitExceeded(limit: 10)) {
                    try await pair.left.read(until: 10, limit: 10)
                }
                #expect(try await pair.left.read(until: 10, limit: 11) == Array("0123456789\n".utf8))
            }
        }
    }
}
