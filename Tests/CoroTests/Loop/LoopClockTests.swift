@testable import Coro
import CoroTesting
import Testing

@Suite struct LoopClockTests {
    @Test func `a duration in nanoseconds is cut towards zero and held at the bounds`() {
        func exact(_ duration: Duration) -> Int64 { Int64(clamping: duration.attoseconds / 1_000_000_000) }
        for seconds: Int64 in [0, 1, 59, 3_600, 9_443, 9_444, 9_445, 86_400, 9_223_372_036, 9_223_372_037, .max] {
            for attoseconds: Int64 in [0, 1, 999_999_999, 1_000_000_000, 123_456_789_123_456_789] {
                let duration = Duration(secondsComponent: seconds, attosecondsComponent: attoseconds)
                #expect(duration.clampedNanoseconds == exact(duration))
                #expect((.zero - duration).clampedNanoseconds == exact(.zero - duration))
            }
        }
        #expect(Duration.seconds(Int64.min).clampedNanoseconds == .min)
        #expect(Duration.seconds(Int64.max).clampedNanoseconds == .max)
    }

    @Test func `instants move by durations and stay within their range`() {
        let instant = LoopInstant(nanoseconds: 1_000)
        #expect(instant.advanced(by: .microseconds(2)) == LoopInstant(nanoseconds: 3_000))
        #expect(instant.advanced(by: .microseconds(-2)) == LoopInstant(nanoseconds: -1_000))
        #expect(instant.advanced(by: .seconds(Int64.max)) == LoopInstant(nanoseconds: .max))
        #expect(LoopInstant(nanoseconds: -5).advanced(by: .seconds(Int64.min)) == LoopInstant(nanoseconds: .min))
        #expect(instant < instant.advanced(by: .nanoseconds(1)))
    }

    @Test func `the distance of any two instants is exact`() {
        let (first, last) = (LoopInstant(nanoseconds: .min), LoopInstant(nanoseconds: .max))
        #expect(first.duration(to: last) == .nanoseconds(Int64.max) - .nanoseconds(Int64.min))
        #expect(last.duration(to: first) == .nanoseconds(Int64.min) - .nanoseconds(Int64.max))
        #expect(LoopInstant(nanoseconds: 3).duration(to: LoopInstant(nanoseconds: 10)) == .nanoseconds(7))
    }

    @Test func `the monotonic clock goes forward and says how long to wait`() {
        let clock = MonotonicClock()
        let (first, second) = (clock.now, clock.now)
        #expect(first <= second)
        #expect(clock.wait(until: .min) == 0)
        #expect(clock.wait(until: first) == 0)
        #expect(clock.wait(until: .max) > 0)
    }

    @Test func `a manual clock stands until it is moved`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            for _ in 0..<20 { try await loop.moment() }
            #expect(loop.now == LoopInstant(nanoseconds: 0))
            try await clock.advance(by: .seconds(3))
            #expect(loop.now == LoopInstant(nanoseconds: 3_000_000_000))
        }
    }

    @Test func `a manual clock moves from deadline to deadline, with all that follows done at each`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let notes = Journal<String>()
            let ticking = loop.spawn {
                while true {
                    try await loop.sleep(for: .seconds(60))
                    for _ in 0..<5 { try await loop.moment() }
                    notes.note("\(loop.now.nanoseconds / 1_000_000_000)")
                }
            }
            try await clock.advance(by: .seconds(200))
            #expect(notes.entries == ["60", "120", "180"])
            #expect(loop.now.nanoseconds == 200_000_000_000)
            ticking.cancel()
        }
    }

    @Test func `a manual clock is moved from another thread too`() async throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: clock)
        let nap = loop.sleep(.seconds(3600))
        async let serving: Void = onOwnThread {
            try loop.run()
            try loop.close()
        }
        try await clock.advance(by: .seconds(3600), on: loop)
        #expect(nap.isDone)
        loop.stop()
        try await serving
    }

    @Test func `a jumping clock lets every sleep end at once, in order`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop in
            let notes = Journal<Int>()
            let start = realTime()
            let naps = [30, 10, 20].map { delay in
                loop.spawn {
                    try await loop.sleep(for: .seconds(delay))
                    notes.note(delay)
                }
            }
            for nap in naps { try await nap.value }
            #expect(notes.entries == [10, 20, 30])
            #expect(loop.now.nanoseconds == 30_000_000_000)
            #expect(realTime() - start < 5_000_000_000)
        }
    }
}
