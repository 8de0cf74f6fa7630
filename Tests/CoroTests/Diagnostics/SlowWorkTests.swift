import Coro
import CoroTesting
import Testing

@Suite struct SlowWorkTests {
    @Test func `a callback over the limit is reported with its place and duration`() throws {
        let clock = HandClock()
        let loop = try EventLoop(clock: clock)
        let reports = SlowReports(on: loop)
        loop.reportSlow(over: .milliseconds(20))
        loop.addCallback { clock.pass(20) }
        loop.addCallback { clock.pass(35) }
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(reports.all.count == 1)
        let slow = reports.all.first?.error as? SlowWork
        #expect(slow?.duration == .milliseconds(35))
        #expect(slow?.limit == .milliseconds(20))
        #expect(slow?.work.kind == .callback)
        let line = reports.all.first?.description ?? ""
        #expect(
            line.hasPrefix("coro: Slow callback: it took 35 ms, and the limit is 20 ms (made at CoroTests/SlowWork"))
    }

    @Test func `a task's job, a timer and a handler over the limit are named`() throws {
        let clock = HandClock()
        let loop = try EventLoop(clock: clock)
        let reports = SlowReports(on: loop)
        let pair = SocketPair()
        pair.send("x", to: \.left)
        loop.reportSlow(over: .milliseconds(20))
        try loop.addHandler(pair.left, interest: .readable) { _ in
            clock.pass(30)
            loop.removeHandler(pair.left)
        }
        loop.callLater(.milliseconds(1)) { clock.pass(40) }
        try loop.runSync {
            try await loop.spawn(name: "cruncher") {
                try await loop.moment()
                clock.pass(50)
            }.value
        }
        try loop.close()
        #expect(reports.all.map(\.summary).first == "Slow readiness of descriptor \(pair.left)")
        #expect(reports.all.contains { $0.summary == "Slow timer" })
        #expect(
            reports.all.contains { $0.summary.hasPrefix("Slow job of task ") && $0.summary.hasSuffix(" (cruncher)") })
        #expect(reports.all.count == 3)
    }

    @Test func `without a limit nothing is reported`() throws {
        let clock = HandClock()
        let loop = try EventLoop(clock: clock)
        let reports = SlowReports(on: loop)
        loop.reportSlow(over: .milliseconds(20))
        loop.reportSlow(over: nil)
        loop.addCallback { clock.pass(5_000) }
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(reports.all.isEmpty)
    }

    @Test func `case 30: a callback that throws is reported with its place when the loop is observed`() throws {
        let recorder = ReportRecorder { ($0.error as? Oops)?.name.hasPrefix("placed: ") == true }
        let loop = try EventLoop()
        loop.addCallback { throw Oops("placed: unobserved") }
        loop.stop()
        try loop.run()
        loop.reportSlow(over: .seconds(3600))
        let line: UInt = #line + 1
        loop.addCallback { throw Oops("placed: callback") }
        loop.callLater(.zero) { throw Oops("placed: timer") }
        for _ in 0..<2 {
            loop.stop()
            try loop.run()
        }
        try loop.close()
        #expect(
            recorder.failures.map(\.origin) == [nil, SourcePlace(line: line), SourcePlace(line: line + 1)])
    }

    @Test func `a handler that throws is reported with its place, observed or not`() throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("placed handler") }
        let loop = try EventLoop()
        let pair = SocketPair()
        pair.send("x", to: \.left)
        let line: UInt = #line + 1
        try loop.addHandler(pair.left, interest: .readable) { _ in throw Oops("placed handler") }
        loop.stop()
        try loop.run()
        loop.removeHandler(pair.left)
        try loop.close()
        #expect(recorder.failures.map(\.origin) == [SourcePlace(line: line)])
    }
}

/// The slow-work reports of one loop.
private struct SlowReports {
    private let recorder: ReportRecorder

    init(on loop: EventLoop) {
        // It holds the loop: who comes after it at its address is another.
        recorder = ReportRecorder { $0.error is SlowWork && $0.loop == ObjectIdentifier(loop) }
    }

    var all: [UncaughtFailure] { recorder.failures }
}
