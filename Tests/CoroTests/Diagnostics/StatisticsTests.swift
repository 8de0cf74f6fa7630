import Coro
import CoroTesting
import Testing

@Suite struct StatisticsTests {
    @Test func `statistics count iterations, callbacks, and the longest queue`() throws {
        let loop = try EventLoop()
        for _ in 0..<100 { loop.addCallback {} }
        loop.stop()
        try loop.run()
        let after = try loop.runSync { try await loop.statistics() }
        // A hundred callbacks and the stop in one iteration, then the task that asks.
        #expect(after.iterations == 2)
        #expect(after.callbacksAndJobs >= 102)
        #expect(after.readyMost == 101)
        #expect(after.waits == 0)
        try loop.close()
    }

    @Test func `statistics tell what is there now`() async throws {
        try await withLoop(clock: ManualClock()) { loop in
            let pair = SocketPair()
            // Until the fixture, too, has all its tasks asleep.
            for _ in 0..<5 { try await loop.moment() }
            let before = try await loop.statistics()
            try loop.addHandler(pair.left, interest: .readable) { _ in }
            let timer = loop.callLater(.seconds(1)) {}
            let asleep = loop.spawn { try await loop.sleep(for: .seconds(3600)) }
            try await loop.moment()
            loop.addCallback {}
            let now = try await loop.statistics()
            #expect(now.descriptors == before.descriptors + 1)
            // The timer above and the sleeping task's.
            #expect(now.timers == before.timers + 2)
            #expect(now.tasks == before.tasks + 1)
            #expect(now.sleepers == before.sleepers + 1)
            #expect(now.ready == 1)
            loop.removeHandler(pair.left)
            timer.cancel()
            asleep.cancel()
            _ = try? await asleep.value
            let after = try await loop.statistics()
            #expect((after.descriptors, after.timers, after.tasks) == (before.descriptors, before.timers, before.tasks))
        }
    }

    @Test func `a timer's lag is the time from its deadline to the iteration that fires it`() throws {
        let clock = HandClock()
        let loop = try EventLoop(clock: clock)
        loop.callLater(.milliseconds(10)) {}
        loop.addCallback { clock.pass(25) }
        loop.callLater(.milliseconds(40)) { loop.stop() }
        loop.callLater(.milliseconds(30)) { clock.pass(8) }
        loop.callLater(.milliseconds(25)) { clock.pass(8) }
        try loop.run()
        let statistics = try loop.runSync { try await loop.statistics() }
        #expect(statistics.timersFired == 4)
        #expect(statistics.timerLagWorst == .milliseconds(15))
        try loop.close()
    }

    @Test func `a deadline in the far past is late since the loop was made, and no sooner`() throws {
        let clock = HandClock()
        let loop = try EventLoop(clock: clock)
        loop.callAt(LoopInstant(nanoseconds: .min)) { loop.stop() }
        clock.pass(7)
        try loop.run()
        let statistics = try loop.runSync { try await loop.statistics() }
        #expect(statistics.timerLag == .milliseconds(7))
        try loop.close()
    }

    @Test func `iterations that wait in epoll are told from those that only look`() throws {
        let loop = try EventLoop()
        let before = try loop.runSync { try await loop.statistics() }
        loop.callLater(.milliseconds(2)) { loop.stop() }
        try loop.run()
        let after = try loop.runSync { try await loop.statistics() }
        #expect(after.waits > before.waits)
        try loop.close()
    }

    @Test func `statistics may be asked from another thread`() async throws {
        try await withLoop { loop in
            let elsewhere = Task.detached {
                #expect(!loop.isCurrent)
                return try await loop.statistics()
            }
            let statistics = try await elsewhere.value
            #expect(statistics.iterations > 0)
        }
    }

    @Test func `a closed loop has no statistics`() async throws {
        let loop = try EventLoop()
        try loop.close()
        await #expect(throws: LoopError.closed) { _ = try await loop.statistics() }
        await #expect(throws: LoopError.closed) { _ = try await loop.tasks }
        await #expect(throws: LoopError.closed) { _ = try await loop.dumpTasks() }
    }

    @Test func `time is measured while the loop is observed, and only then`() throws {
        let clock = HandClock()
        let loop = try EventLoop(clock: clock)
        func run(passing milliseconds: Int64) throws -> LoopStatistics {
            loop.addCallback { clock.pass(milliseconds) }
            loop.stop()
            try loop.run()
            return try loop.runSync { try await loop.statistics() }
        }
        #expect(try run(passing: 5).busy == nil)
        loop.reportSlow(over: .seconds(1))
        #expect(try run(passing: 7).busy == .milliseconds(7))
        loop.reportSlow(over: nil)
        #expect(try run(passing: 9).busy == .milliseconds(7))
        try loop.close()
    }

    @Test func `statistics are one readable line`() async throws {
        let line = try await withLoop { loop in try await loop.statistics().description }
        #expect(line.contains(" iterations ("))
        #expect(line.contains("timer lag "))
        #expect(!line.contains("\n"))
    }
}
