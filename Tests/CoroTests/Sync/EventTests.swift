import CoroTesting
import Testing

@testable import Coro

@Suite struct EventTests {
    @Test func `case 39: waiters before and after set are done, after clear they wait`() async throws {
        try await withLoop { loop async throws in
            let event = Event(on: loop)
            let before = loop.spawn { try await event.wait() }
            try await loop.moment()
            #expect(!before.future.isDone)
            event.set()
            event.set()
            try await before.value
            try await event.wait()
            event.clear()
            #expect(!event.isSet)
            let after = loop.spawn { try await event.wait() }
            try await loop.moment()
            #expect(event.waiters.count == 1)
            event.set()
            try await after.value
        }
    }

    @Test func `waiting for an event that is set does not suspend`() async throws {
        try await withLoop { loop async throws in
            let event = Event(on: loop)
            event.set()
            let ran = Journal<Void>()
            loop.addCallback { ran.note(()) }
            try await event.wait()
            #expect(ran.entries.isEmpty)
        }
    }

    @Test func `a waiter that came before clear is woken by the set before it`() async throws {
        try await withLoop { loop async throws in
            let event = Event(on: loop)
            let waiting = loop.spawn { try await event.wait() }
            try await loop.moment()
            event.set()
            event.clear()
            try await waiting.value
            #expect(!event.isSet)
        }
    }

    @Test func `set wakes in the order of waiting`() async throws {
        try await withLoop { loop async throws in
            let event = Event(on: loop)
            let order = Journal<Int>()
            let tasks = (0..<100).map { number in
                loop.spawn {
                    try await event.wait()
                    order.note(number)
                }
            }
            try await loop.moment()
            event.set()
            for task in tasks { try await task.value }
            #expect(order.entries == Array(0..<100))
        }
    }

    @Test func `cancelled and timed-out waiters leave no trace`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let event = Event(on: loop)
            let tasks = (0..<3).map { _ in loop.spawn { try await event.wait() } }
            try await loop.moment()
            tasks[1].cancel()
            await #expect(throws: CancellationError.self) { try await tasks[1].value }
            #expect(event.waiters.count == 2)
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { try await event.wait() }
            }
            #expect(event.waiters.count == 2)
            event.set()
            try await tasks[0].value
            try await tasks[2].value
            #expect(event.waiters.isEmpty)
        }
    }

    @Test func `another thread sets, clears and waits`() async throws {
        try await withLoop { loop async throws in
            let event = Event(on: loop)
            let elsewhere = Task.detached { try await event.wait() }
            while event.waiters.isEmpty { try await loop.moment() }
            startThread { event.set() }
            try await elsewhere.value
            try await event.wait()
            startThread { event.clear() }
            while event.isSet { try await loop.moment() }
        }
    }

    @Test func `closing the loop wakes waiters with its error`() throws {
        let loop = try EventLoop()
        let event = Event(on: loop)
        let tasks = (0..<3).map { _ in loop.spawn { try await event.wait() } }
        loop.stop()
        try loop.run()
        #expect(event.waiters.count == 3)
        try loop.close()
        for task in tasks { #expect(throws: LoopError.closed) { try task.future.get() } }
        #expect(event.waiters.isEmpty)
        // Late calls are no trouble.
        event.set()
        event.clear()
        #expect(!event.isSet)
    }
}
