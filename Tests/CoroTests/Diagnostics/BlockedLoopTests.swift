import CoroTesting
import Glibc
import Testing

@testable import Coro

@Suite struct BlockedLoopTests {
    @Test func `an iteration over the limit is reported once, and again with the total when it is over`() throws {
        let recorder = BlockReports(50)
        let loop = try EventLoop()
        let pulse = Pulse(loop: loop, limit: 100)
        pulse.beat(at: 1_000)
        pulse.runs(mark(50))
        pulse.look(at: 1_099)
        #expect(recorder.all.isEmpty)
        pulse.look(at: 1_100)
        pulse.look(at: 1_500)
        #expect(recorder.durations == [100])
        // The culprit is what ran when it was found.
        pulse.runs(mark(1))
        pulse.rest(at: 1_700)
        #expect(recorder.durations == [100, 700])
        #expect(recorder.all.map(\.summary) == ["Event loop is blocked", "Event loop goes on"])
        #expect(recorder.all.map(\.origin) == [SourcePlace(file: "Block.swift", line: 50), mark(50).place])
        // The next iteration is a new one.
        pulse.beat(at: 1_800)
        pulse.look(at: 1_850)
        pulse.rest(at: 1_899)
        #expect(recorder.durations == [100, 700])
        try loop.close()
    }

    @Test func `a loop that waits in epoll, or does not run, is not blocked`() throws {
        let recorder = BlockReports(51)
        let loop = try EventLoop()
        let pulse = Pulse(loop: loop, limit: 100)
        pulse.look(at: 1_000_000)
        pulse.beat(at: 1_000_000)
        pulse.runs(mark(51))
        pulse.rest(at: 1_000_010)
        pulse.look(at: 2_000_000)
        #expect(recorder.all.isEmpty)
        try loop.close()
    }

    @Test func `the watchdog looks four times a limit, and ends when nobody is watched`() throws {
        let watchdog = Watchdog()
        let loop = try EventLoop()
        var pulses: [Pulse] = [Pulse(loop: loop, limit: 4_000), Pulse(loop: loop, limit: 1_000_000_000_000)]
        for pulse in pulses { watchdog.register(pulse) }
        #expect(watchdog.look(at: 0) == 1_000)
        pulses.removeFirst()
        #expect(watchdog.look(at: 0) == 100_000_000)
        pulses = []
        #expect(watchdog.look(at: 0) == nil)
        try loop.close()
    }

    @Test func `a loop that goes on during the report is said to go on after it`() throws {
        let loop = try EventLoop()
        let pulse = Pulse(loop: loop, limit: 100)
        let recorder = ReportRecorder { failure in
            guard let block = failure.error as? LoopBlocked, failure.origin?.line == 52 else { return false }
            // As if on the loop's thread, while the watchdog is still in the sink.
            if !block.isOver { pulse.rest(at: 2_000) }
            return true
        }
        pulse.beat(at: 1_000)
        pulse.runs(mark(52))
        pulse.look(at: 1_500)
        #expect(recorder.failures.map(\.summary) == ["Event loop is blocked", "Event loop goes on"])
        try loop.close()
    }

    @Test func `a blocked loop is reported while it is blocked, with what blocks it`() async throws {
        let found = Gate()
        let observer = BlockObserver(found)
        let recorder = ReportRecorder { $0.error is LoopBlocked && $0.origin?.line == 4_711 }
        // Reports of what else blocks it on a busy machine are nobody's.
        try await withLoop(allowing: .reports) { loop in
            loop.addObserver(observer)
            loop.watch(blockedFor: .milliseconds(5))
            try await loop.moment()
            try await loop.moment()
            // Goes on only when the report has come.
            let came = loop.promise(of: Bool.self)
            loop.addCallback(line: 4_711) { came.trySucceed(found.wait(seconds: 20)) }
            #expect(try await came.future.value)
            while recorder.failures.count < 2 { try await loop.moment() }
            loop.watch(blockedFor: nil)
            loop.removeObserver(observer)
        }
        #expect(recorder.failures.map(\.summary) == ["Event loop is blocked", "Event loop goes on"])
        let blocks = recorder.failures.compactMap { $0.error as? LoopBlocked }
        #expect(blocks.map(\.isOver) == [false, true])
        #expect(blocks[0].duration >= .milliseconds(5))
        #expect(blocks[1].duration >= blocks[0].duration)
        #expect(blocks[0].work?.kind == .callback)
        #expect(blocks[0].work?.place?.description == "CoroTests/BlockedLoopTests.swift:4711")
    }

    @Test func `a loop is let go of while it is watched`() throws {
        weak var gone: EventLoop?
        func watch() throws {
            let loop = try EventLoop()
            gone = loop
            loop.watch(blockedFor: .seconds(3600))
            loop.stop()
            try loop.run()
            try loop.close()
        }
        try watch()
        #expect(gone == nil)
    }

    @Test func `a loop that is no longer watched has no pulse, as soon as its iteration is over`() throws {
        let loop = try EventLoop()
        weak var pulse: Pulse?
        // Not by `watch`: the watchdog's thread may be holding it for a look of its own.
        loop.observation.change(on: loop) { settings in
            settings.pulse = Pulse(loop: loop, limit: .max)
            pulse = settings.pulse
        }
        #expect(pulse != nil)
        loop.addCallback { loop.watch(blockedFor: nil) }
        loop.stop()
        try loop.run()
        #expect(pulse == nil)
        try loop.close()
    }

    private func mark(_ line: UInt) -> LoopWork {
        LoopWork(kind: .callback, place: SourcePlace(file: "Block.swift", line: line))
    }
}

/// The reports of a loop blocked by work from one line of Block.swift.
private struct BlockReports {
    private let recorder: ReportRecorder

    init(_ line: UInt) {
        recorder = ReportRecorder {
            $0.error is LoopBlocked && $0.origin == SourcePlace(file: "Block.swift", line: line)
        }
    }

    var all: [UncaughtFailure] { recorder.failures }
    var durations: [Int64] { all.compactMap { ($0.error as? LoopBlocked)?.duration.clampedNanoseconds } }
}

/// Opens when a loop is found blocked by the callback of line 4711; what else blocks it on a busy machine does not count.
private final class BlockObserver: LoopObserver {
    private let found: Gate

    init(_ found: Gate) { self.found = found }

    func loopBlocked(_ block: LoopBlocked, on loop: EventLoop) {
        if block.work?.place?.line == 4_711 { found.open() }
    }
}
