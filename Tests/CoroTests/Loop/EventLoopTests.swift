import Coro
import CoroTesting
import Synchronization
import Testing

@Suite(.ownThread) struct EventLoopTests {
    @Test func `callbacks run in the order they were added, on the thread that runs the loop`() throws {
        let loop = try EventLoop()
        let order = Journal<Int>()
        let threads = Journal<UInt>()
        for number in 0..<100 {
            loop.addCallback {
                order.note(number)
                threads.note(thisThread())
            }
        }
        loop.stop()
        try loop.run()
        #expect(order.entries == Array(0..<100))
        #expect(Set(threads.entries) == [thisThread()])
        try loop.close()
    }

    @Test func `the current loop is known on its thread, while it runs, and nowhere else`() throws {
        let loop = try EventLoop()
        #expect(EventLoop.current == nil)
        #expect(!loop.isCurrent)
        try loop.runSync {
            #expect(EventLoop.current === loop)
            #expect(loop.isCurrent)
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                startThread {
                    #expect(EventLoop.current == nil)
                    #expect(!loop.isCurrent)
                    continuation.resume()
                }
            }
            #expect(loop.isCurrent)
        }
        #expect(EventLoop.current == nil)
        #expect(!loop.isCurrent)
        try loop.close()
    }

    @Test func `case 29: running a running loop throws instead of deadlocking`() throws {
        let loop = try EventLoop()
        let other = try EventLoop()
        let errors = Journal<LoopError?>()
        loop.addCallback {
            do { try loop.run() } catch { errors.note(error as? LoopError) }
            do { try other.run() } catch { errors.note(error as? LoopError) }
            do { try loop.close() } catch { errors.note(error as? LoopError) }
            do { try other.runSync {} } catch { errors.note(error as? LoopError) }
            loop.stop()
        }
        try loop.run()
        #expect(errors.entries == [.alreadyRunning, .alreadyRunning, .alreadyRunning, .alreadyRunning])
        try loop.close()
        try other.close()
    }

    @Test func `a loop that runs on one thread is refused to another`() async throws {
        try await withLoop { loop in
            await #expect(throws: LoopError.alreadyRunning) {
                try await onOwnThread { try loop.run() }
            }
        }
    }

    @Test func `a loop can be run and stopped any number of times`() throws {
        let loop = try EventLoop()
        let runs = Journal<Int>()
        for round in 0..<200 {
            loop.addCallback {
                runs.note(round)
                loop.stop()
            }
            try loop.run()
        }
        #expect(runs.entries == Array(0..<200))
        try loop.close()
    }

    @Test func `a stop before the run makes it return at once, with what was added before it done`() throws {
        let loop = try EventLoop()
        let ran = Journal<String>()
        loop.addCallback { ran.note("before") }
        loop.stop()
        try loop.run()
        #expect(ran.entries == ["before"])
        try loop.close()
    }

    @Test func `what is ready when a run stops is kept for the next`() throws {
        let loop = try EventLoop()
        let ran = Journal<String>()
        loop.addCallback {
            loop.stop()
            loop.addCallback { loop.addCallback { ran.note("late") } }
        }
        try loop.run()
        #expect(ran.entries == [])
        loop.addCallback { loop.stop() }
        try loop.run()
        #expect(ran.entries == ["late"])
        try loop.close()
    }

    @Test func `a stop that came while one run was ending does not stop the next`() throws {
        let loop = try EventLoop()
        let first = try loop.runSync {
            loop.stop()
            return 1
        }
        let second = try loop.runSync {
            for _ in 0..<10 { try await loop.moment() }
            return 2
        }
        #expect((first, second) == (1, 2))
        try loop.close()
    }

    @Test func `case 30: failures of callbacks, coroutines and tasks are reported, the loop goes on`() async throws {
        let recorder = ReportRecorder { ($0.error as? Oops)?.name.hasPrefix("case 30") == true }
        try await withLoop { loop in
            loop.addCallback { throw Oops("case 30 callback") }
            loop.callLater(.zero) { throw Oops("case 30 timer") }
            _ = loop.coroutine { _ in throw Oops("case 30 generator") }
            loop.spawn { throw Oops("case 30 native") }
            for _ in 0..<10 { try await loop.moment() }
        }
        let byName = Dictionary(grouping: recorder.failures) { ($0.error as? Oops)?.name.dropFirst(8) ?? "" }
        #expect(Set(byName.keys) == ["callback", "timer", "generator", "native"])
        #expect(byName.values.allSatisfy { $0.count == 1 })
        let callback = byName["callback"]?.first
        #expect(callback?.summary == "Exception in callback")
        let native = byName["native"]?.first
        #expect(native?.summary == "Future failure was never observed")
        #expect(native?.origin?.description.hasPrefix("CoroTests/EventLoopTests.swift:") == true)
    }

    @Test func `a callback that throws a cancellation is not reported`() throws {
        let recorder = ReportRecorder { $0.error is CancellationError && $0.summary == "Exception in callback" }
        let loop = try EventLoop()
        loop.addCallback { throw CancellationError() }
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(recorder.failures.isEmpty)
    }

    @Test func `case 31: an idle loop sleeps instead of spinning`() throws {
        let clock = CountingClock()
        let loop = try EventLoop(clock: clock)
        loop.addCallback { _ = [Int]() }
        loop.callLater(.milliseconds(15)) { loop.stop() }
        try loop.run()
        try loop.close()
        #expect(clock.readings < 30)
    }

    @Test func `now is a fresh reading of the loop's clock`() async throws {
        let clock = ManualClock(startingAt: LoopInstant(nanoseconds: 500))
        try await withLoop(clock: clock) { loop in
            #expect(loop.now == LoopInstant(nanoseconds: 500))
            try await clock.advance(by: .nanoseconds(7))
            #expect(loop.now == LoopInstant(nanoseconds: 507))
        }
    }

    @Test func `a callback is let go of when it has run`() async throws {
        try await withLoop { loop in
            let held = Held()
            weak let gone = held
            func add(_ held: Held) { loop.addCallback { _ = held } }
            add(held)
            _ = consume held
            try await loop.moment()
            try await loop.moment()
            #expect(gone == nil)
        }
    }
}

final class Held: Sendable {}

/// The system's clock, counting how often it is asked.
private final class CountingClock: LoopClock {
    private let count = Atomic<Int>(0)
    var readings: Int { count.load(ordering: .relaxed) }

    var now: Int64 {
        count.wrappingAdd(1, ordering: .relaxed)
        return MonotonicClock().now
    }

    func wait(until deadline: Int64) -> Int64 { max(0, deadline - MonotonicClock().now) }
}
