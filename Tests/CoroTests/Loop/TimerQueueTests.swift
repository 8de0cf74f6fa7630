@testable import Coro
import CoroTesting
import Testing

@Suite struct TimerQueueTests {
    @Test func `timers fire by deadline, and equal deadlines in the order they were armed`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let fired = Journal<String>()
            for (name, delay) in [("c", 30), ("a", 10), ("b1", 20), ("b2", 20), ("b3", 20)] {
                loop.callLater(.seconds(delay)) { fired.note("\(name)@\(loop.now.nanoseconds / 1_000_000_000)") }
            }
            try await clock.advance(by: .seconds(20))
            #expect(fired.entries == ["a@10", "b1@20", "b2@20", "b3@20"])
            try await clock.advance(by: .seconds(9))
            #expect(fired.entries.count == 4)
            try await clock.advance(by: .seconds(1))
            #expect(fired.entries.last == "c@30")
        }
    }

    @Test func `a timer never fires early by the real clock`() throws {
        let loop = try EventLoop()
        let start = realTime()
        let at = Journal<Int64>()
        loop.callLater(.milliseconds(5)) {
            at.note(realTime())
            loop.stop()
        }
        try loop.run()
        #expect(at.entries[0] - start >= 5_000_000)
        try loop.close()
    }

    @Test func `case 28: a timer cancelled by an earlier one that is due in the same iteration does not fire`()
        async throws
    {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let fired = Journal<Int>()
            let later = loop.callLater(.seconds(5)) { fired.note(2) }
            loop.callLater(.seconds(5)) { fired.note(3) }
            loop.callAt(LoopInstant(nanoseconds: 1)) {
                fired.note(1)
                later.cancel()
            }
            try await clock.advance(by: .seconds(5))
            #expect(fired.entries == [1, 3])
        }
        // The same by the real clock, where both are due in one phase.
        let loop = try EventLoop()
        let fired = Journal<Int>()
        let handle = Journal<LoopTimer>()
        loop.callLater(.seconds(-2)) {
            fired.note(1)
            handle.entries[0].cancel()
        }
        handle.note(loop.callLater(.seconds(-1)) { fired.note(2) })
        loop.callLater(.zero) { loop.stop() }
        try loop.run()
        #expect(fired.entries == [1])
        try loop.close()
    }

    @Test func `cancelling twice, after firing, or from another thread does nothing more`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let fired = Journal<Int>()
            let one = loop.callLater(.seconds(1)) { fired.note(1) }
            let two = loop.callLater(.seconds(2)) { fired.note(2) }
            try await clock.advance(by: .seconds(1))
            one.cancel()
            one.cancel()
            try await onOwnThread { two.cancel() }
            two.cancel()
            try await clock.advance(by: .seconds(5))
            #expect(fired.entries == [1])
        }
    }

    @Test func `a timer armed and cancelled on another thread before the loop saw it never fires`() async throws {
        let loop = try EventLoop()
        try await onOwnThread {
            loop.callLater(.zero) { Issue.record("cancelled, and fired") }.cancel()
        }
        loop.callLater(.milliseconds(1)) { loop.stop() }
        try loop.run()
        try loop.close()
    }

    @Test func `dropping the timer does not cancel it`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let fired = Journal<Int>()
            _ = loop.callLater(.seconds(1)) { fired.note(1) }
            try await clock.advance(by: .seconds(1))
            #expect(fired.entries == [1])
        }
    }

    @Test func `a timer that throws is reported, and the next one fires`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("timer") }
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let fired = Journal<Int>()
            loop.callLater(.seconds(1)) { throw Oops("timer") }
            loop.callLater(.seconds(1)) { fired.note(2) }
            try await clock.advance(by: .seconds(1))
            #expect(fired.entries == [2])
        }
        #expect(recorder.failures.count == 1)
    }

    @Test func `delays beyond all bounds are for ever, or at once`() throws {
        let loop = try EventLoop()
        let fired = Journal<String>()
        loop.callLater(.seconds(Int64.max)) { fired.note("for ever") }
        loop.callAt(LoopInstant(nanoseconds: .max)) { fired.note("end of time") }
        loop.callLater(.seconds(Int64.min)) { fired.note("long ago") }
        loop.callAt(LoopInstant(nanoseconds: .min)) { fired.note("before time") }
        loop.callLater(.milliseconds(1)) { loop.stop() }
        try loop.run()
        #expect(Set(fired.entries) == ["long ago", "before time"])
        try loop.close()
    }

    @Test func `what a cancelled timer would have called is let go of`() async throws {
        try await withLoop { loop in
            let held = Held()
            weak let gone = held
            let timer = loop.callLater(.seconds(3600)) { [held] in _ = held }
            _ = consume held
            timer.cancel()
            #expect(gone == nil)
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `the queue agrees with a sorted array over random arming, cancelling and firing`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let loop = try EventLoop()
        defer { try? loop.close() }
        var queue = TimerQueue()
        var model: [(deadline: Int64, order: Int, timer: LoopTimer)] = []
        var armed = 0
        for step in 0..<20_000 {
            switch random.next(below: 10) {
            case 0..<5:
                // Few different deadlines, so that there are many ties.
                let deadline = Int64(random.next(below: 500))
                let timer = LoopTimer(loop: loop, deadline: LoopInstant(nanoseconds: deadline)) {}
                queue.insert(timer)
                armed += 1
                let place = model.firstIndex { ($0.deadline, $0.order) > (deadline, armed) } ?? model.count
                model.insert((deadline, armed, timer), at: place)
            case 5..<8 where !model.isEmpty:
                let index = Int(random.next(below: UInt64(model.count)))
                queue.remove(model.remove(at: index).timer)
            default:
                let now = Int64(random.next(below: 500))
                let popped = queue.popDue(now: now, armedUpTo: .max)
                let expected = model.first.flatMap { $0.deadline <= now ? $0.timer : nil }
                #expect(popped === expected)
                if expected != nil { model.removeFirst() }
            }
            guard queue.count == model.count, queue.nextDeadline == model.first?.deadline else {
                Issue.record("the queue and the model differ after step \(step)")
                return
            }
        }
        while let timer = queue.popDue(now: .max, armedUpTo: .max) { #expect(timer === model.removeFirst().timer) }
        #expect(model.isEmpty)
    }

    @Test(arguments: [5, 6] as [UInt64])
    func `mass cancelling leaves the rest in order, however often the queue is swept`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let loop = try EventLoop()
        defer { try? loop.close() }
        var queue = TimerQueue()
        var live: [(order: Int, timer: LoopTimer)] = []
        for round in 0..<8 {
            for order in 0..<3_000 {
                let deadline = LoopInstant(nanoseconds: Int64(random.next(below: 1_000)))
                let timer = LoopTimer(loop: loop, deadline: deadline) {}
                queue.insert(timer)
                live.append((round * 3_000 + order, timer))
            }
            // Four of five go, in any order.
            for _ in 0..<(live.count * 4 / 5) {
                queue.remove(live.remove(at: Int(random.next(below: UInt64(live.count)))).timer)
                let (occupied, count) = (queue.occupied, queue.count)
                guard occupied <= 2 * count + 600 else {
                    Issue.record("\(occupied) entries for \(count) live timers")
                    return
                }
            }
            let count = queue.count
            #expect(count == live.count)
        }
        live.sort { ($0.timer.deadline, $0.order) < ($1.timer.deadline, $1.order) }
        for (_, expected) in live {
            let next = queue.nextDeadline
            #expect(next == expected.deadline.nanoseconds)
            let popped = queue.popDue(now: .max, armedUpTo: .max)
            #expect(popped === expected)
        }
        let isEmpty = queue.isEmpty
        #expect(isEmpty)
    }

    @Test func `peers 35: cancelled timers take room for as many as live, and no more`() throws {
        let loop = try EventLoop()
        defer { try? loop.close() }
        var queue = TimerQueue()
        let keepers = (0..<1_000).map { LoopTimer(loop: loop, deadline: LoopInstant(nanoseconds: $0)) {} }
        for timer in keepers { queue.insert(timer) }
        var most = 0
        for number in 0..<20_000 {
            // Two at once, the older cancelled first: neither is the last of the heap when it goes.
            let pair = (0..<2).map { LoopTimer(loop: loop, deadline: LoopInstant(nanoseconds: Int64(number + $0))) {} }
            for timer in pair { queue.insert(timer) }
            for timer in pair { queue.remove(timer) }
            most = max(most, queue.occupied)
        }
        let count = queue.count
        #expect(count == 1_000)
        // As many as live, and the few hundred that are not worth a sweep.
        #expect(most <= 2_100)
    }

    @Test func `no cancel pays for all: each looks at a few entries`() async throws {
        try await withLoop(clock: ManualClock()) { loop in
            var timers = (0..<50_000).map { number in loop.callLater(.seconds(number * 7_919 % 50_000 + 1)) {} }
            timers.append(contentsOf: (0..<50_000).map { number in loop.callLater(.seconds(number % 997 + 1)) {} })
            var before = loop.timers.occupied
            var most = 0
            for timer in timers {
                timer.cancel()
                let now = loop.timers.occupied
                most = max(most, before - now)
                before = now
            }
            #expect(before < 256)
            // A sweep takes four at most; a run of dead at the very end goes together, since each is the last then.
            #expect(most < 1_000)
        }
    }

    @Test func `a cancelled or popped timer is let go of at once, and so is one that its queue is dropped with`() throws
    {
        let loop = try EventLoop()
        defer { try? loop.close() }
        var timers = (0..<2_000).map { LoopTimer(loop: loop, deadline: LoopInstant(nanoseconds: $0)) {} }
        let watched = timers.map { Watched($0) }
        do {
            var queue = TimerQueue()
            for timer in timers { queue.insert(timer) }
            for timer in timers[0..<1_500] { queue.remove(timer) }
            for _ in 0..<100 { _ = queue.popDue(now: .max, armedUpTo: .max) }
            timers = []
            let count = queue.count
            #expect(watched.count { $0.timer != nil } == count)
        }
        #expect(watched.allSatisfy { $0.timer == nil })
    }

    @Test func `a million timers armed, every other one cancelled: the rest fire, once each, in order`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock, seconds: 120) { loop in
            let count = Tally()
            var random = SplitMix(state: 35)
            for number in 0..<1_000_000 {
                let due = Int64(random.next(below: 1_000))
                let timer = loop.callAt(LoopInstant(nanoseconds: due)) { count.fire(due, number) }
                if number % 2 == 0 { timer.cancel() }
            }
            try await clock.advance(by: .seconds(1))
            #expect(count.fired == 500_000)
            #expect(count.isInOrder)
        }
    }

    @Test func `arming and cancelling beside a hundred thousand live timers does not search them`() async throws {
        try await withLoop(clock: ManualClock()) { loop in
            func cost(of pairs: Int) -> Int64 {
                let start = threadTime()
                for number in 0..<pairs { loop.callLater(.seconds(number % 977 + 1)) {}.cancel() }
                return threadTime() - start
            }
            _ = cost(of: 10_000)
            let alone = cost(of: 20_000)
            let live = (0..<100_000).map { number in loop.callLater(.seconds(number % 3_571 + 1)) {} }
            let crowded = cost(of: 20_000)
            for timer in live { timer.cancel() }
            // A search through the live ones would be a thousand times more.
            #expect(crowded < max(alone, 1_000_000) * 20)
        }
    }

    @Test func `what a cancelled timer lets go of may arm and cancel`() async throws {
        try await withLoop { loop in
            let other = loop.callLater(.seconds(10)) {}
            let held = AtEnd {
                other.cancel()
                loop.callLater(.seconds(20)) {}.cancel()
            }
            let timer = loop.callLater(.seconds(5)) { [held] in _ = held }
            _ = consume held
            timer.cancel()
            let count = loop.timers.count
            #expect(count == 0)
        }
    }
}

/// Whether a timer is still there.
private struct Watched {
    weak let timer: LoopTimer?
    init(_ timer: LoopTimer) { self.timer = timer }
}

/// What fired, of one loop.
private final class Tally: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread.
    private(set) var fired = 0
    private(set) var isInOrder = true
    private var latest: (due: Int64, number: Int) = (.min, 0)

    func fire(_ due: Int64, _ number: Int) {
        if (due, number) < latest { isInOrder = false }
        latest = (due, number)
        fired += 1
    }
}

/// A small random generator whose every run is the same.
struct SplitMix {
    var state: UInt64

    mutating func next(below bound: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return (mixed ^ (mixed >> 31)) % bound
    }
}
