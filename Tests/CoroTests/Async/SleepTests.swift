import Coro
import CoroTesting
import Testing

@Suite struct SleepTests {
    @Test func `a sleep lasts as long as was asked, by the loop's clock`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop async throws in
            try await loop.sleep(for: .seconds(60))
            #expect(loop.now.nanoseconds == 60_000_000_000)
            try await loop.sleep(until: LoopInstant(nanoseconds: 90_000_000_000))
            #expect(loop.now.nanoseconds == 90_000_000_000)
        }
    }

    @Test func `sleeping for nothing or less lets everything that is ready run first`() async throws {
        try await withLoop { loop async throws in
            let order = Journal<Int>()
            for (number, span) in [Duration.zero, .seconds(-1), .seconds(Int64.min)].enumerated() {
                loop.addCallback { order.note(number) }
                try await loop.sleep(for: span)
                #expect(order.entries.count == number + 1)
            }
        }
    }

    @Test func `a moment lets everything that is ready run first`() async throws {
        try await withLoop { loop async throws in
            let order = Journal<Int>()
            for number in 0..<3 { loop.addCallback { order.note(number) } }
            try await loop.moment()
            #expect(order.entries == [0, 1, 2])
        }
    }

    @Test func `S11: starting the clock first gives an exact period`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let starts = Journal<Int64>()
            let future = loop.coroutine { co in
                for _ in 0..<4 {
                    let next = loop.sleep(.seconds(60))
                    starts.note(loop.now.nanoseconds / 1_000_000_000)
                    try await co.yield(loop.sleep(.seconds(25)))
                    try await co.yield(next)
                }
            }
            try await future.value
            #expect(starts.entries == [0, 60, 120, 180])
        }
    }

    @Test func `a cancelled sleep leaves no timer behind`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop async throws in
            let task = loop.spawn { try await loop.sleep(for: .seconds(3600)) }
            let future = loop.sleep(.seconds(7200))
            try await loop.moment()
            task.cancel()
            future.cancel()
            _ = try? await task.value
            try await loop.sleep(for: .seconds(1))
            // A timer left behind would not show here but keep the clock jumping: the loop is idle for good.
            #expect(loop.now.nanoseconds == 1_000_000_000)
        }
    }

    @Test func `three thousand sleeps at once end at their time`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let tasks = (0..<3_000).map { number in
                loop.spawn {
                    try await loop.sleep(for: .milliseconds(number % 100))
                    return loop.now.nanoseconds / 1_000_000 >= number % 100
                }
            }
            for task in tasks { #expect(try await task.value) }
        }
    }

    @Test func `a sleep awaited on another thread ends by the loop's clock`() async throws {
        try await withLoop { loop async throws in
            let elsewhere = Task.detached {
                try await loop.sleep(for: .milliseconds(1))
                return loop.isCurrent
            }
            #expect(try await elsewhere.value == false)
        }
    }
}
