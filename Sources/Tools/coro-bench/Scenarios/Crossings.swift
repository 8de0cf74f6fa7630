// Async code that waits for something the loop does: on the loop, and from Swift's own thread pool.

internal import Coro

extension Scenario {
    static let crossings = [
        Scenario(
            "await loop work", "on the loop", aim: 300,
            about: "a promise, completed by a callback, awaited by a task of the loop; a hundred tasks that take turns"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(100_000) { count in
                try await inTurn(count, on: loop) { count in try await awaitWork(of: loop, count) }
            }
        },
        Scenario(
            "await loop work", "on the loop, alone", aim: 300,
            about: "the same in one task: an iteration each, its epoll_wait among it"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(10_000) { count in try await awaitWork(of: loop, count) }
        },
        Scenario(
            "await loop work", "from the thread pool", aim: 300,
            about: "the same from a task of Swift's pool: both threads sleep and are woken each time",
            crossesThreads: true
        ) { meter in
            let loop = meter.loop
            try await meter.measure(2_000) { count in
                try await Task.detached { try await awaitWork(of: loop, count) }.value
            }
        },
        Scenario(
            "await loop work", "from the thread pool, a hundred at once", aim: 300,
            about: "the same with a hundred such tasks at a time: a wake-up serves many", crossesThreads: true
        ) { meter in
            let loop = meter.loop
            try await meter.measure(20_000) { count in
                let callers = (0..<100).map { _ in
                    Task.detached { try await awaitWork(of: loop, count / 100) }
                }
                for caller in callers { try await caller.value }
            }
        },
    ]

    private static func awaitWork(of loop: EventLoop, _ count: Int) async throws {
        for number in 0..<count {
            let promise = loop.promise(of: Int.self)
            loop.addCallback { promise.trySucceed(number) }
            blackHole(try await promise.future.value)
        }
    }
}
