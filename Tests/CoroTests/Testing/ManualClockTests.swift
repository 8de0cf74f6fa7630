import Coro
import CoroTesting
import Testing

/// The contract of trio's MockClock with autojump, and what ours adds.
@Suite struct ManualClockTests {
    private static let hour = Duration.seconds(3600)

    @Test func `a jumping clock goes to the next deadline only, and only when all sleep`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop async throws in
            let notes = Journal<String>()
            let short = loop.spawn {
                try await loop.sleep(for: .seconds(1))
                notes.note("1 s at \(clock.now)")
            }
            let long = loop.spawn {
                try await loop.sleep(for: .seconds(2))
                notes.note("2 s at \(clock.now)")
            }
            for _ in 0..<50 { try await loop.moment() }
            #expect(clock.now == 0)
            try await short.value
            #expect(clock.now == 1_000_000_000)
            try await long.value
            #expect(notes.entries == ["1 s at 1000000000", "2 s at 2000000000"])
        }
    }

    @Test func `a conversation between two streams takes no time, though both have a deadline`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop async throws in
            let pair = try StreamPair(on: loop)
            let echo = loop.spawn {
                while let bytes = try await loop.withTimeout(Self.hour, { try await pair.right.read() }) {
                    try await pair.right.write(bytes)
                }
            }
            for round in 0..<100 {
                try await pair.left.write("\(round)\n")
                let answer = try await loop.withTimeout(Self.hour) { try await pair.left.read(until: 10) }
                #expect(answer == Array("\(round)\n".utf8))
            }
            #expect(clock.now == 0)
            pair.left.finishWriting()
            try await echo.value
        }
    }

    @Test func `without a deadline a jumping clock stands`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop async throws in
            let promise = loop.promise(of: Int.self)
            startThread { promise.trySucceed(7) }
            #expect(try await promise.future.value == 7)
            #expect(clock.now == 0)
        }
    }

    @Test func `with a quiet time, another thread's work comes before the jump`() async throws {
        let clock = ManualClock(whenIdle: .jumpsAfterQuiet(.seconds(3600)))
        try await withLoop(clock: clock) { loop async throws in
            let promise = loop.promise(of: Int.self)
            startThread { promise.trySucceed(7) }
            #expect(try await loop.withTimeout(.seconds(1)) { try await promise.future.value } == 7)
            #expect(clock.now == 0)
        }
    }

    @Test func `with a quiet time, the clock jumps when nothing came`() async throws {
        let clock = ManualClock(whenIdle: .jumpsAfterQuiet(.milliseconds(1)))
        try await withLoop(clock: clock) { loop async throws in
            try await loop.sleep(for: Self.hour)
            #expect(clock.now == 3_600_000_000_000)
        }
    }

    @Test func `advancing by nothing lets the loop become idle`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let notes = Journal<Int>()
            loop.spawn {
                for turn in 0..<5 {
                    try await loop.moment()
                    notes.note(turn)
                }
            }
            try await clock.advance(by: .zero)
            #expect(notes.entries == [0, 1, 2, 3, 4])
            #expect(clock.now == 0)
        }
    }

    @Test func `two advances add up, and each is kept when the clock is there`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let first = clock.startAdvancing(by: .seconds(1), on: loop)
            let second = clock.startAdvancing(by: .seconds(2), on: loop)
            try await second.value
            #expect(first.isDone)
            #expect(clock.now == 3_000_000_000)
        }
    }

    @Test func `an advance whose loop closes fails, and the clock holds nothing of the loop`() async throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: clock)
        weak let gone = loop
        let advancing = clock.startAdvancing(by: .seconds(1), on: loop)
        try loop.close()
        #expect(throws: LoopError.closed) { try advancing.get() }
        _ = consume advancing
        _ = consume loop
        #expect(gone == nil)
    }

    @Test func `advancing by less than nothing is refused`() async {
        await #expect(processExitsWith: .failure) {
            let loop = try EventLoop()
            ManualClock().startAdvancing(by: .seconds(-1), on: loop)
        }
    }
}
