import CoroTesting
import Glibc
import Testing

@testable import Coro

/// Every way to read a pipe, under everything that can go wrong, at every place where it can. What must hold is what
/// must hold of streams: nothing is read twice, nothing is lost, and a wait that was cancelled has not happened.
@Suite struct PipeReadFaultTests {
    typealias Reading = ReadingOf<PipeReader>

    /// What is read to the end under `plan`.
    private func reads(
        _ reading: Reading, _ supply: Supply, under plan: FaultPlan, on loop: EventLoop
    ) async throws -> [UInt8] {
        let (reader, writer) = try pipe(on: loop)
        reader.inject(plan)
        let supplying = supply.start(Reading.text, on: writer)
        let bytes = Journal<UInt8>()
        try await reading.run(reader, into: bytes)
        try await supplying.value
        return bytes.entries
    }

    @Test(arguments: Reading.shared, Supply.allCases)
    func `all is read, one byte at a time`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop { loop async throws in
            #expect(try await reads(reading, supply, under: .oneByteAtATime, on: loop) == Reading.text)
        }
    }

    @Test(arguments: Reading.shared, Supply.allCases)
    func `all is read, in a storm of stalls`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop { loop async throws in
            #expect(try await reads(reading, supply, under: .stallBeforeEachStep(times: 2), on: loop) == Reading.text)
        }
    }

    @Test(arguments: Reading.shared, Supply.allCases)
    func `all is read, whatever the seed, with tasks in any order`(_ reading: Reading, _ supply: Supply) async throws {
        for offset in 0..<10 {
            let seed = Seed.ofProcess &+ UInt64(offset)
            try await withLoop(order: .seeded(seed)) { loop async throws in
                #expect(try await reads(reading, supply, under: .seeded(seed), on: loop) == Reading.text)
            }
        }
    }

    @Test(arguments: Reading.shared, Supply.allCases)
    func `all is read, with a stall at each step`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            let steps = try await forEachStep(.stall, in: .pieces(of: 2)) { plan async throws in
                #expect(try await reads(reading, supply, under: plan, on: loop) == Reading.text)
            }
            #expect(steps > Reading.text.count / 2)
        }
    }

    @Test(arguments: Reading.shared, Supply.allCases)
    func `an error at each step: what came before it was read, or is unread`(
        _ reading: Reading, _ supply: Supply
    ) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            let steps = try await forEachStep(.fail(errno: EIO), in: .oneByteAtATime) { plan async throws in
                let (reader, writer) = try pipe(on: loop)
                reader.inject(plan)
                let supplying = supply.start(Reading.text, on: writer)
                let bytes = Journal<UInt8>()
                do {
                    try await reading.run(reader, into: bytes)
                    #expect(!plan.isReached)
                    #expect(bytes.entries == Reading.text)
                } catch StreamError.broken(let error) {
                    #expect(plan.isReached)
                    #expect(error == IOError(call: "read", code: EIO))
                    let came = bytes.entries + Array(reader.unread)
                    #expect(came == Array(Reading.text.prefix(reader.channel.taken)))
                    // And again: a broken pipe does not turn into an ended one.
                    await #expect(throws: StreamError.broken(error)) { try await reader.fill() }
                }
                try await supplying.value
            }
            #expect(steps > Reading.text.count)
        }
    }

    @Test(arguments: Reading.shared, Supply.allCases)
    func `the end after each byte`(_ reading: Reading, _ supply: Supply) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            for count in 0...Reading.text.count {
                let plan = FaultPlan.end(atByte: count)
                let (reader, writer) = try pipe(on: loop)
                reader.inject(plan)
                let supplying = supply.start(Reading.text, on: writer)
                let bytes = Journal<UInt8>()
                do {
                    try await reading.run(reader, into: bytes)
                } catch StreamError.ended(let received) {
                    #expect(received == reader.unread.count)
                }
                #expect(plan.isReached)
                #expect(bytes.entries + Array(reader.unread) == Array(Reading.text.prefix(count)))
                try await supplying.value
            }
        }
    }

    /// When the cancel comes: inside the call that finds nothing, or when the task sleeps.
    enum Moment: CaseIterable { case atTheCall, asleep }

    @Test(arguments: Reading.shared, Moment.allCases)
    func `a read cancelled at each step has not happened`(_ reading: Reading, _ moment: Moment) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .oneByteAtATime) { plan async throws in
                let (reader, writer) = try pipe(on: loop)
                reader.inject(plan)
                let supplying = Supply.trickling.start(Reading.text, on: writer)
                let bytes = Journal<UInt8>()
                let task = loop.spawn { try await reading.run(reader, into: bytes) }
                plan.whenReached {
                    if moment == .atTheCall { task.cancel() } else { loop.callLater(.zero) { task.cancel() } }
                }
                do {
                    try await task.value
                    #expect(!plan.isReached)
                } catch is CancellationError {
                    #expect(plan.isReached)
                    #expect(bytes.entries + Array(reader.unread) == Array(Reading.text.prefix(reader.channel.taken)))
                }
                if plan.isReached {
                    plan.release()
                    try await reading.run(reader, into: bytes)
                }
                #expect(bytes.entries == Reading.text)
                try await supplying.value
            }
        }
    }

    @Test(arguments: Reading.shared)
    func `a read that times out at each step has not happened`(_ reading: Reading) async throws {
        try await forEachStep(.hang, in: .pieces(of: 3)) { plan async throws in
            try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop in
                let (reader, writer) = try pipe(on: loop)
                reader.inject(plan)
                let supplying = Supply.trickling.start(Reading.text, on: writer)
                let bytes = Journal<UInt8>()
                do {
                    try await loop.withTimeout(.seconds(60)) { try await reading.run(reader, into: bytes) }
                    #expect(!plan.isReached)
                } catch is TimeoutError {
                    #expect(plan.isReached)
                }
                if plan.isReached {
                    plan.release()
                    try await reading.run(reader, into: bytes)
                }
                #expect(bytes.entries == Reading.text)
                try await supplying.value
            }
        }
    }

    @Test(arguments: Reading.shared, Moment.allCases)
    func `closing at each step ends the read`(_ reading: Reading, _ moment: Moment) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .oneByteAtATime) { plan async throws in
                let (reader, writer) = try pipe(on: loop)
                reader.inject(plan)
                let supplying = Supply.trickling.start(Reading.text, on: writer)
                let bytes = Journal<UInt8>()
                plan.whenReached {
                    if moment == .atTheCall { reader.close() } else { loop.callLater(.zero) { reader.close() } }
                }
                do {
                    try await reading.run(reader, into: bytes)
                    #expect(!plan.isReached)
                } catch StreamError.closed {
                    #expect(plan.isReached)
                }
                #expect(bytes.entries == Array(Reading.text.prefix(bytes.entries.count)))
                try await supplying.value
            }
        }
    }

    @Test func `lines cancelled at each step go on where they were`() async throws {
        try await withLoop { loop async throws in
            try await forEachStep(.hang, in: .oneByteAtATime) { plan async throws in
                let (reader, writer) = try pipe(on: loop)
                reader.inject(plan)
                let supplying = Supply.trickling.start(Array("one\r\n\ntwo\nthe last".utf8), on: writer)
                let lines = Journal<String>()
                let reading: @Sendable () async throws -> Void = {
                    for try await line in reader.lines() { lines.note(line) }
                }
                let task = loop.spawn { try await reading() }
                plan.whenReached { task.cancel() }
                do {
                    try await task.value
                    #expect(!plan.isReached)
                } catch is CancellationError {
                    #expect(plan.isReached)
                    plan.release()
                    try await reading()
                }
                #expect(lines.entries == ["one", "", "two", "the last"])
                try await supplying.value
            }
        }
    }

    @Test func `one byte at a time is one byte an iteration`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            let plan = reader.inject(.oneByteAtATime)
            try await writer.write("abc")
            #expect(try await reader.fill())
            let second = loop.spawn { try await reader.fill() }
            #expect(Array(reader.unread) == Array("a".utf8))
            #expect(try await second.value)
            #expect(Array(reader.unread) == Array("ab".utf8))
            #expect(plan.steps == 2)
        }
    }
}
