import CoroTesting
import Testing

@testable import Coro

@Suite struct ConditionTests {
    @Test func `case 36: notify(2) skips a waiter that timed out`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let condition = Condition(on: loop)
            let order = Journal<String>()
            for number in 0..<4 {
                loop.spawn {
                    let timeout: Duration = number == 1 ? .seconds(1) : .seconds(100)
                    let notified = try await condition.wait(timeout: timeout)
                    order.note("\(number) \(notified)")
                }
            }
            try await clock.advance(by: .seconds(2))
            #expect(order.entries == ["1 false"])
            condition.notify(2)
            try await clock.advance(by: .seconds(1))
            #expect(order.entries == ["1 false", "0 true", "2 true"])
            #expect(condition.waiters.count == 1)
            condition.notify()
            try await clock.advance(by: .seconds(1))
            #expect(order.entries.last == "3 true")
        }
    }

    @Test func `case 37: notify called again from a woken waiter loses no wakeup`() async throws {
        try await withLoop { loop async throws in
            let condition = Condition(on: loop)
            let order = Journal<Int>()
            let tasks = (0..<3).map { number in
                loop.spawn {
                    try await condition.wait()
                    order.note(number)
                    if number == 0 { condition.notify(2) }
                }
            }
            try await loop.moment()
            condition.notify()
            for task in tasks { try await task.value }
            #expect(order.entries == [0, 1, 2])
        }
    }

    @Test func `case 38: 101 waiters that timed out leave no trace, the live one stays`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let condition = Condition(on: loop)
            let live = loop.spawn { try await condition.wait() }
            let expiring = (0..<101).map { _ in loop.spawn { try await condition.wait(timeout: .seconds(1)) } }
            try await loop.moment()
            #expect(condition.waiters.count == 102)
            try await clock.advance(by: .seconds(2))
            for task in expiring { #expect(try await task.value == false) }
            #expect(condition.waiters.count == 1)
            condition.notify()
            try await live.value
        }
    }

    @Test func `notify does not stay: whoever comes later waits`() async throws {
        try await withLoop { loop async throws in
            let condition = Condition(on: loop)
            condition.notify(5)
            condition.notifyAll()
            let waiting = loop.spawn { try await condition.wait() }
            try await loop.moment()
            #expect(!waiting.future.isDone)
            condition.notify()
            try await waiting.value
        }
    }

    @Test func `notifyAll wakes those who wait, not who begins to wait again`() async throws {
        try await withLoop { loop async throws in
            let condition = Condition(on: loop)
            let rounds = Journal<Int>()
            let tasks = (0..<3).map { number in
                loop.spawn {
                    while true {
                        try await condition.wait()
                        rounds.note(number)
                    }
                }
            }
            try await loop.moment()
            for _ in 0..<2 {
                condition.notifyAll()
                while condition.waiters.count < 3 { try await loop.moment() }
            }
            #expect(rounds.entries == [0, 1, 2, 0, 1, 2])
            for task in tasks { task.cancel() }
            for task in tasks { _ = try? await task.value }
            #expect(condition.waiters.isEmpty)
        }
    }

    @Test func `a cancelled waiter is passed over`() async throws {
        try await withLoop { loop async throws in
            let condition = Condition(on: loop)
            let tasks = (0..<2).map { _ in loop.spawn { try await condition.wait() } }
            try await loop.moment()
            tasks[0].cancel()
            await #expect(throws: CancellationError.self) { try await tasks[0].value }
            condition.notify()
            try await tasks[1].value
        }
    }

    @Test func `a timeout of zero is over at once`() async throws {
        try await withLoop { loop async throws in
            let condition = Condition(on: loop)
            loop.addCallback { condition.notify() }
            #expect(try await condition.wait(timeout: .zero) == false)
            #expect(condition.waiters.isEmpty)
        }
    }

    @Test func `a deadline around the wait is not taken for its own timeout`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let condition = Condition(on: loop)
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { _ = try await condition.wait(timeout: .seconds(5)) }
            }
            let notified = try await loop.withTimeout(.seconds(5)) { try await condition.wait(timeout: .seconds(1)) }
            #expect(!notified)
        }
    }

    @Test func `another thread notifies`() async throws {
        try await withLoop { loop async throws in
            let condition = Condition(on: loop)
            let waiting = (0..<3).map { _ in loop.spawn { try await condition.wait() } }
            try await loop.moment()
            startThread {
                condition.notify()
                condition.notifyAll()
            }
            for task in waiting { try await task.value }
        }
    }

    @Test func `closing the loop wakes waiters with its error`() throws {
        let loop = try EventLoop()
        let condition = Condition(on: loop)
        let tasks = (0..<2).map { _ in loop.spawn { try await condition.wait() } }
        let timed = loop.spawn { try await condition.wait(timeout: .seconds(3600)) }
        loop.stop()
        try loop.run()
        try loop.close()
        for task in tasks { #expect(throws: LoopError.closed) { try task.future.get() } }
        #expect(throws: LoopError.closed) { try timed.future.get() }
        #expect(condition.waiters.isEmpty)
    }
}
