// Native tasks that fall asleep and are woken.

internal import Coro

extension Scenario {
    static let suspensions = [
        Scenario(
            "suspend", "moment", aim: 250, about: "try await loop.moment() in a hundred tasks that take turns"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(100_000) { count in
                try await inTurn(count, on: loop) { count in
                    for _ in 0..<count { try await loop.moment() }
                }
            }
        },
        Scenario(
            "suspend", "moment, alone", aim: 250,
            about: "the same in one task: an iteration each, its epoll_wait among it"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(10_000) { count in
                for _ in 0..<count { try await loop.moment() }
            }
        },
        Scenario(
            "suspend", "future.value between two tasks", aim: 250,
            about: "a promise made, awaited, and completed by the other task; fifty pairs that take turns"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(100_000) { count in
                let players = (0..<50).flatMap { _ in
                    let table = Table(on: loop)
                    return (0..<2).map { _ in loop.spawn { try await table.play(count / 100) } }
                }
                for player in players { try await player.value }
            }
        },
        Scenario(
            "suspend", "future.value between two tasks, alone", aim: 250,
            about: "the same with one pair: an iteration each, its epoll_wait among it"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(10_000) { count in
                let table = Table(on: loop)
                let players = (0..<2).map { _ in loop.spawn { try await table.play(count / 2) } }
                for player in players { try await player.value }
            }
        },
    ]

    /// Shares `count` operations among a hundred tasks, which take turns: enough for an iteration's own cost to
    /// disappear, and each lives long enough for its start to.
    static func inTurn(
        _ count: Int, on loop: EventLoop, _ operations: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let tasks = (0..<100).map { _ in loop.spawn { try await operations(count / 100) } }
        for task in tasks { try await task.value }
    }
}

/// Where two tasks wake each other by turns.
private final class Table: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.
    private let loop: EventLoop
    private var waiting: Promise<Void>?

    init(on loop: EventLoop) { self.loop = loop }

    func play(_ turns: Int) async throws {
        for _ in 0..<turns {
            let mine = loop.promise(of: Void.self)
            let other = waiting
            waiting = mine
            other?.trySucceed(())
            try await mine.future.value
        }
        // Whoever ends first must not leave the other asleep.
        waiting?.trySucceed(())
    }
}
