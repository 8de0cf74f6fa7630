// What waiting things take in memory, and that what is over takes none.

internal import Coro

extension Scenario {
    static let memory = [
        Scenario("memory", "a pending future", about: "a promise and its future, nobody waiting") { meter in
            let promises = Shelf<Promise<Int>>()
            promises.items.reserveCapacity(100_000)
            try await meter.weigh(100_000) {
                for _ in 0..<100_000 { promises.items.append(meter.loop.promise(of: Int.self)) }
            } release: {
                for promise in promises.items { promise.trySucceed(1) }
                promises.items = []
            }
        },
        Scenario("memory", "an armed timer", about: "callLater, with its callback") { meter in
            try await meter.weighTimers(100_000, within: .seconds(3_600))
        },
        Scenario("memory", "a task that awaits a future", about: "a native task asleep on a future they all share") {
            meter in
            let door = meter.loop.promise(of: Void.self)
            try await meter.weighTasks(100_000, in: { try await door.future.value }, release: { door.trySucceed(()) })
        },
        Scenario("memory", "a task that sleeps", about: "a native task in loop.sleep, its timer with it") { meter in
            let loop = meter.loop
            let end = loop.now.advanced(by: .seconds(3_600))
            try await meter.weighTasks(100_000, in: { try? await loop.sleep(until: end) }, release: nil)
        },
        Scenario("memory", "a coroutine that awaits a future", about: "a coroutine at a co.yield of a shared future") {
            meter in
            let loop = meter.loop
            let door = loop.promise(of: Void.self)
            let coroutines = Shelf<Future<Void>>()
            coroutines.items.reserveCapacity(100_000)
            try await meter.weigh(100_000) {
                for _ in 0..<100_000 {
                    coroutines.items.append(loop.coroutine { co in try await co.yield(door.future) })
                }
            } release: {
                door.trySucceed(())
                for coroutine in coroutines.items { try await coroutine.value }
                coroutines.items = []
            }
        },
        Scenario(
            "a million", "timers, armed and fired", about: "callLater at random instants of the next tenth of a second"
        ) { meter in
            try await meter.weighTimers(1_000_000, within: .milliseconds(100))
        },
        Scenario(
            "a million", "tasks alive at once",
            about: "native tasks, all asleep on one future, then all woken; as many as fit, if a million do not"
        ) { meter in
            let door = meter.loop.promise(of: Void.self)
            let room = min(10, max(1, (Machine.available / 6_000 / 100_000).rounded(.down)))
            try await meter.weighTasks(
                Int(room) * 100_000, in: { try await door.future.value }, release: { door.trySucceed(()) })
        },
        Scenario("a million", "suspended yields", about: "one coroutine, a million co.yield(.moment)") { meter in
            try await meter.weighYields(1_000_000) { loop, count in
                loop.coroutine { co in
                    for _ in 0..<count { try await co.yield(.moment) }
                }
            }
        },
        Scenario("ten million", "completed yields", about: "one coroutine, ten million co.yield of a done future") {
            meter in
            let done = Future(on: meter.loop, .finished(1))
            try await meter.weighYields(10_000_000) { _, count in
                meter.loop.coroutine { co in
                    for _ in 0..<count { blackHole(try await co.yield(done)) }
                }
            }
        },
    ]
}

extension Meter {
    /// Weighs tasks that have all fallen asleep in `body`; `release` wakes them, or they are cancelled.
    fileprivate func weighTasks(
        _ count: Int, in body: @escaping @Sendable () async throws -> Void, release: (() -> Void)?
    ) async throws {
        let tasks = Shelf<EventLoop.Task<Void>>()
        tasks.items.reserveCapacity(count)
        try await weigh(count) {
            for number in 0..<count {
                if number % 100_000 == 0 { tell("\(number) of \(count)") }
                tasks.items.append(loop.spawn(body))
            }
            // They begin in the next iteration, and are asleep at its end.
            try await loop.moment()
            try await loop.moment()
        } release: {
            if let release { release() } else { for task in tasks.items { task.cancel() } }
            for task in tasks.items { try await task.value }
            tasks.items = []
        }
    }

    /// Weighs timers, armed for instants up to `range` from now; waits for them when that is short.
    fileprivate func weighTimers(_ count: Int, within range: Duration) async throws {
        let loop = loop
        let fired = Counter()
        let timers = Shelf<LoopTimer>()
        timers.items.reserveCapacity(count)
        let nanoseconds = Int64(range / .nanoseconds(1))
        var random: UInt64 = 0x9E37_79B9_7F4A_7C15
        try await weigh(count) {
            for _ in 0..<count {
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                timers.items.append(loop.callLater(.nanoseconds(Int64(random >> 1) % nanoseconds)) { fired.value += 1 })
            }
        } release: {
            if range < .seconds(1) {
                while fired.value < count { try await loop.sleep(for: .milliseconds(1)) }
            } else {
                for timer in timers.items { timer.cancel() }
            }
            timers.items = []
        }
    }

    /// Weighs what a coroutine leaves in memory that yields so many times.
    fileprivate func weighYields(_ count: Int, _ start: (EventLoop, Int) -> Future<Void>) async throws {
        // Once before: what a first coroutine needs stays for the next.
        try await start(loop, 1_000).value
        try await weigh(count) {
            for part in 0..<10 {
                tell("\(part * count / 10) of \(count)")
                try await start(loop, count / 10).value
            }
        }
    }
}

/// Where things are kept while they are weighed; its own memory is there before.
private final class Shelf<Item> {
    var items: [Item] = []
}
