import CLoop
import Coro
import CoroTesting
import Testing

@Suite struct IterationOrderTests {
    @Test func `callbacks added during an iteration run in the next, after all of this one's`() throws {
        let loop = try EventLoop()
        let order = Journal<String>()
        loop.addCallback {
            order.note("1")
            loop.addCallback {
                order.note("a")
                loop.addCallback {
                    order.note("nested")
                    loop.stop()
                }
            }
        }
        loop.addCallback {
            order.note("2")
            loop.addCallback { order.note("b") }
        }
        loop.addCallback { order.note("3") }
        try loop.run()
        #expect(order.entries == ["1", "2", "3", "a", "b", "nested"])
        try loop.close()
    }

    @Test func `one iteration delivers readiness, then runs callbacks, then due timers`() throws {
        let loop = try EventLoop()
        let order = Journal<String>()
        let pair = SocketPair()
        pair.send("x", to: \.left)
        // In the opposite order of what is expected.
        loop.callLater(.zero) {
            order.note("timer")
            loop.stop()
        }
        loop.addCallback { order.note("callback") }
        try loop.addHandler(pair.left, interest: .readable) { _ in order.note("readiness") }
        try loop.run()
        #expect(order.entries.prefix(3) == ["readiness", "callback", "timer"])
        try loop.close()
    }

    @Test func `a timer armed by a timer waits an iteration, though it is due`() throws {
        let loop = try EventLoop()
        let order = Journal<String>()
        loop.callLater(.zero) {
            order.note("first")
            loop.addCallback { order.note("callback between") }
            loop.callLater(.seconds(-1)) {
                order.note("second")
                loop.stop()
            }
        }
        try loop.run()
        #expect(order.entries == ["first", "callback between", "second"])
        try loop.close()
    }

    @Test func `a callback that keeps adding callbacks starves neither descriptors nor timers`() throws {
        let loop = try EventLoop()
        let order = Journal<String>()
        let pair = SocketPair()
        try loop.addHandler(pair.left, interest: .readable) { _ in
            order.note("readiness")
            loop.removeHandler(pair.left)
        }
        loop.callLater(.milliseconds(1)) {
            order.note("timer")
            pair.send("x", to: \.left)
        }
        @Sendable func spin() {
            if order.entries.count == 2 { return loop.stop() }
            loop.addCallback(spin)
        }
        spin()
        try loop.run()
        #expect(order.entries == ["timer", "readiness"])
        try loop.close()
    }

    @Test func `a timer that re-arms itself in the past does not starve the others`() throws {
        let loop = try EventLoop()
        let rounds = Journal<Void>()
        @Sendable func again() {
            rounds.note(())
            if rounds.entries.count < 1_000 { loop.callAt(LoopInstant(nanoseconds: 0), again) } else { loop.stop() }
        }
        loop.callAt(LoopInstant(nanoseconds: 0), again)
        let fired = Journal<Int>()
        loop.callLater(.nanoseconds(1)) { fired.note(rounds.entries.count) }
        try loop.run()
        #expect(fired.entries.count == 1)
        #expect(fired.entries[0] < 10)
        try loop.close()
    }

    @Test func `work from another thread joins the queue behind what is ready`() async throws {
        try await withLoop { loop in
            let order = Journal<Int>()
            for number in 0..<3 { loop.addCallback { order.note(number) } }
            try await onOwnThread { _ = loop.addCallback { order.note(3) } }
            for _ in 0..<3 { try await loop.moment() }
            #expect(order.entries == [0, 1, 2, 3])
        }
    }
}
