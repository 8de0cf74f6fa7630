@testable import Coro
import CoroTesting
import Synchronization
import Testing

@Suite struct PeriodicTests {
    // MARK: The grid

    @Test func `case 34: rounds that overrun are skipped and the grid is kept`() {
        var grid = Grid(period: .nanoseconds(10), jitter: 0, start: LoopInstant(nanoseconds: 1000))
        var starts: [Int64] = []
        for duration: Int64 in [9, 9, 10, 11, 20, 20, 35, 35, 0, 0] {
            starts.append(grid.next)
            grid.advance(past: grid.next + duration)
        }
        #expect(starts == [1010, 1020, 1030, 1050, 1070, 1100, 1130, 1170, 1210, 1220])
    }

    @Test func `jitter spreads each period by half of itself to either side`() {
        func period(_ random: Double) -> Int64 {
            var grid = Grid(period: .nanoseconds(1000), jitter: 0.5, start: LoopInstant(nanoseconds: 0))
            let before = grid.next
            grid.advance(past: before, random: random)
            return grid.next - before
        }
        #expect(period(0) == 750)
        #expect(period(0.5) == 1000)
        #expect(period(0.999) == 1249)
        for _ in 0..<100 {
            let grid = Grid(period: .nanoseconds(1000), jitter: 0.5, start: LoopInstant(nanoseconds: 0))
            #expect((750..<1250).contains(grid.next))
        }
    }

    @Test func `a clock that goes back neither repeats rounds nor loses any`() {
        var grid = Grid(period: .nanoseconds(10), jitter: 0, start: LoopInstant(nanoseconds: 1000))
        #expect(grid.next == 1010)
        grid.advance(past: 1009)
        #expect(grid.next == 1020)
        grid.advance(past: 3)
        #expect(grid.next == 1030)
        grid.advance(past: 1039)
        #expect(grid.next == 1040)
    }

    @Test func `a period beyond all bounds is never`() {
        var grid = Grid(period: .seconds(Int64.max), jitter: 1, start: LoopInstant(nanoseconds: 1000))
        #expect(grid.next > 1 << 60)
        grid.advance(past: .max, random: 0.999)
        #expect(grid.next == .max)
        let attosecond = Duration(secondsComponent: 0, attosecondsComponent: 1)
        var least = Grid(period: attosecond, jitter: 1, start: LoopInstant(nanoseconds: 0))
        least.advance(past: .max, random: 0)
        #expect(least.next == .max)
    }

    @Test func `a period of nothing is the programmer's error, and so is more jitter than there is period`() async {
        await #expect(processExitsWith: .failure) {
            _ = try EventLoop().every(.zero) {}
        }
        await #expect(processExitsWith: .failure) {
            _ = try EventLoop().every(.seconds(1), jitter: 1.5) {}
        }
    }

    // MARK: Callbacks

    @Test func `a callback is called once a period, until it is stopped`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let calls = Journal<Int64>()
            let periodic = loop.every(.seconds(10)) { calls.note(loop.seconds) }
            try await clock.advance(by: .seconds(35))
            #expect(calls.entries == [10, 20, 30])
            #expect(periodic.isRunning)
            periodic.stop()
            periodic.stop()
            #expect(!periodic.isRunning)
            try await clock.advance(by: .seconds(100))
            #expect(calls.entries == [10, 20, 30])
        }
    }

    @Test func `a callback may stop itself, and another thread may stop it`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let calls = Journal<Int64>()
            let handle = Journal<Periodic>()
            handle.note(
                loop.every(.seconds(1)) {
                    calls.note(loop.seconds)
                    if loop.seconds == 3 { handle.entries[0].stop() }
                })
            try await clock.advance(by: .seconds(10))
            #expect(calls.entries == [1, 2, 3])
            let other = loop.every(.seconds(1)) { calls.note(0) }
            try await onOwnThread { other.stop() }
            try await clock.advance(by: .seconds(10))
            #expect(calls.entries == [1, 2, 3])
        }
    }

    @Test func `a callback that throws is reported and the rounds go on`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("periodic callback") }
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            loop.every(.seconds(1)) { throw Oops("periodic callback") }
            try await clock.advance(by: .seconds(3))
        }
        #expect(recorder.failures.count == 3)
    }

    @Test func `a callback is asked for from another thread, and its first round is a period after that`() async throws
    {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let calls = Journal<Int64>()
            try await clock.advance(by: .seconds(5))
            try await onOwnThread { _ = loop.every(.seconds(10)) { calls.note(loop.seconds) } }
            try await clock.advance(by: .seconds(20))
            #expect(calls.entries == [15, 25])
        }
    }

    @Test func `what is stopped is let go of`() async throws {
        try await withLoop { loop async throws in
            let held = Held()
            weak let gone = held
            let periodic = loop.every(.seconds(3600)) { [held] in _ = held }
            _ = consume held
            periodic.stop()
            #expect(gone == nil)
        }
    }

    @Test func `closing the loop ends it`() throws {
        let loop = try EventLoop()
        let periodic = loop.every(.seconds(1)) { Issue.record("the loop was closed before") }
        let sleeping = loop.every(.seconds(1)) { () async throws -> Void in Issue.record("the loop was closed before") }
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(!periodic.isRunning && !sleeping.isRunning)
        let late = loop.every(.seconds(1)) { Issue.record("the loop was closed before") }
        #expect(!late.isRunning)
        late.stop()
    }

    // MARK: Async bodies

    @Test func `case 35: an async body that is longer than the period never overlaps itself`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps), allowing: .tasks) { loop async throws in
            let rounds = Journal<String>()
            let done = loop.promise(of: Void.self)
            loop.every(.seconds(10)) {
                rounds.note("begin \(loop.seconds)")
                try await loop.sleep(for: .seconds(25))
                rounds.note("end \(loop.seconds)")
                if loop.seconds > 60 { done.trySucceed(()) }
            }
            try await done.future.value
            #expect(rounds.entries == ["begin 10", "end 35", "begin 40", "end 65"])
        }
    }

    @Test func `an async body that throws is reported, a cancelled one is not, and the rounds go on`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("periodic body") }
        let clock = ManualClock()
        try await withLoop(clock: clock, allowing: .tasks) { loop async throws in
            let rounds = Journal<Int64>()
            loop.every(.seconds(1)) {
                try await loop.moment()
                rounds.note(loop.seconds)
                if loop.seconds == 2 { throw CancellationError() }
                throw Oops("periodic body")
            }
            try await clock.advance(by: .seconds(3))
            #expect(rounds.entries == [1, 2, 3])
        }
        #expect(recorder.failures.count == 2)
    }

    @Test func `an async body that stops itself goes on to its end`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let rounds = Journal<String>()
            let handle = Journal<Periodic>()
            handle.note(
                loop.every(.seconds(1)) {
                    handle.entries[0].stop()
                    try await loop.sleep(for: .seconds(5))
                    rounds.note("end \(loop.seconds)")
                })
            try await clock.advance(by: .seconds(20))
            #expect(rounds.entries == ["end 6"])
        }
    }

    @Test func `stopping between two rounds of an async body leaves no timer and no task behind`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let periodic = loop.every(.seconds(3600)) { try await loop.moment() }
            try await loop.moment()
            periodic.stop()
            try await loop.sleep(for: .seconds(1))
            #expect(loop.seconds == 1)
            let count = loop.timers.count
            #expect(count == 0)
        }
    }

    @Test func `an async body has the task-locals of whoever asked for it, and no deadline of his`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps), allowing: .tasks) { loop async throws in
            let seen = Journal<Int>()
            let done = loop.promise(of: Void.self)
            try await loop.withTimeout(.seconds(5)) {
                PeriodicTests.$number.withValue(7) {
                    _ = loop.every(.seconds(10)) {
                        seen.note(PeriodicTests.number)
                        try await loop.moment()
                        done.trySucceed(())
                    }
                }
                try await loop.moment()
            }
            try await done.future.value
            #expect(seen.entries == [7])
        }
    }

    @TaskLocal static var number = 0

    // MARK: Ticks

    @Test func `ticks are the instants of a grid, and whoever is late skips some`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            var seen: [Int64] = []
            for try await tick in loop.ticks(every: .seconds(10)) {
                #expect(loop.now == tick)
                seen.append(tick.nanoseconds / 1_000_000_000)
                if seen.count == 2 { try await loop.sleep(for: .seconds(25)) }
                if seen.count == 4 { break }
            }
            #expect(seen == [10, 20, 50, 60])
        }
    }

    @Test func `a tick whose wait timed out is still to come`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            var ticks = loop.ticks(every: .seconds(10)).makeAsyncIterator()
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(3)) { _ = try await ticks.next() }
            }
            let tick = try await ticks.next()
            #expect(tick == LoopInstant(nanoseconds: 10_000_000_000))
        }
    }

    @Test func `ticks end with the task, or with the loop`() async throws {
        let loop = try EventLoop()
        let task = loop.spawn { for try await _ in loop.ticks(every: .seconds(1)) {} }
        loop.stop()
        try loop.run()
        try loop.close()
        await #expect(throws: LoopError.closed) { try await task.value }
    }
}

extension EventLoop {
    /// Whole seconds of the loop's clock.
    fileprivate var seconds: Int64 { now.nanoseconds / 1_000_000_000 }
}
