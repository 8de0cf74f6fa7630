import CoroTesting
import Testing

@testable import Coro

@Suite struct DebugOptionsTests {
    @Test func `options stand between commas, in any order, with or without blanks`() {
        let options = DebugOptions(parsing: "tasks, block=1s ,slow = 20ms")
        #expect(options.slow == .milliseconds(20))
        #expect(options.block == .seconds(1))
        #expect(options.dumpsTasks)
        #expect(options.unreadable.isEmpty)
        #expect(DebugOptions(parsing: "") == DebugOptions())
    }

    @Test(arguments: [
        ("1ns", 1), ("250us", 250_000), ("250µs", 250_000), ("20ms", 20_000_000), ("1.5s", 1_500_000_000),
        ("0.25ms", 250_000), ("2m", 120_000_000_000), ("99999999m", 5_999_999_940_000_000_000),
        ("0.000000001s", 1),
    ])
    func `durations are a number and a unit`(text: String, nanoseconds: Int64) {
        #expect(DebugOptions(parsing: "slow=\(text)").slow == .nanoseconds(nanoseconds))
    }

    @Test(arguments: [
        "slow", "slow=", "slow=20", "slow=ms", "slow=-5ms", "slow=0ms", "slow=1e3ms", "slow=.5s", "slow=1h",
        "slow=1.2.3s", "slow=0.1ns", "slow=999999999999s", "slow=٣ms", "fast=20ms", "tasks=1", "=", "slow=20ms=30ms",
    ])
    func `what cannot be read is kept as it was written, and the rest holds`(option: String) {
        let options = DebugOptions(parsing: "\(option),block=2s")
        #expect(options.unreadable == [option])
        #expect(options.slow == nil)
        #expect(options.block == .seconds(2))
        #expect(!options.dumpsTasks)
    }

    @Test func `an unreadable option says what would be one`() {
        let text = "\(UnreadableOption(option: "slow=x"))"
        #expect(
            text == "“slow=x” is none of slow=DURATION, block=DURATION, tasks; a DURATION is like 20ms, 1.5s, 250us.")
    }

    @Test func `a loop obeys its options`() throws {
        let clock = HandClock()
        let recorder = ReportRecorder { $0.error is SlowWork && $0.origin?.line == 815 }
        let loop = try EventLoop(clock: clock)
        loop.obey(DebugOptions(parsing: "slow=20ms,block=1s"))
        loop.addCallback(line: 815) { clock.pass(21) }
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(recorder.failures.count == 1)
    }

    @Test(arguments: [
        (0, "0 ns"), (999, "999 ns"), (1_000, "1 µs"), (1_250, "1.25 µs"), (12_340, "12.3 µs"), (999_499, "999 µs"),
        (999_500, "1 ms"), (35_000_000, "35 ms"), (123_456_789, "123 ms"), (999_999_999, "1 s"),
        (1_049_999_999, "1.05 s"), (9_999_999_999, "10 s"), (90_000_000_000, "90 s"), (-5_000_000, "-5 ms"),
    ])
    func `durations are written with three digits and a unit`(nanoseconds: Int64, text: String) {
        #expect(Duration.nanoseconds(nanoseconds).brief == text)
    }
}
