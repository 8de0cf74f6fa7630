// The operations, each as near as NIO's interface comes to the row of `coro-bench micro` that stands beside it.

import NIOCore

/// One row: its name in the design, and what measures it.
struct Operation: Sendable {
    let name: String
    let measure: @Sendable (_ loop: any EventLoop, _ seconds: Double) async throws -> [Double]

    static let all = [
        Operation(name: "run a callback next iteration") { loop, seconds in
            try await loop.flatSubmit { Callbacks(on: loop, seconds).begin() }.get()
        },
        Operation(name: "promise made, observed, completed") { loop, seconds in
            try await loop.submit { promises(on: loop, seconds) }.get()
        },
        Operation(name: "await loop work from async code") { loop, seconds in
            try await Task.detached { try await awaits(of: loop, seconds) }.value
        },
        Operation(name: "arm a timer, 100 000 live") { loop, seconds in
            try await loop.submit { timers(on: loop, seconds).arm.times }.get()
        },
        Operation(name: "cancel a timer, 100 000 live") { loop, seconds in
            try await loop.submit { timers(on: loop, seconds).cancel.times }.get()
        },
    ]

    private static func promises(on loop: any EventLoop, _ seconds: Double) -> [Double] {
        var rounds = Rounds(seconds: seconds)
        let seen = Counter()
        while rounds.goOn {
            let start = Clock.cpu
            for number in 0..<Rounds.size {
                let promise = loop.makePromise(of: Int.self)
                promise.futureResult.whenComplete { _ in seen.value += 1 }
                promise.succeed(number)
            }
            rounds.add(Clock.cpu - start)
        }
        precondition(seen.value >= rounds.times.count * Rounds.size, "NIO calls observers in the completing call.")
        return rounds.times
    }

    /// Wall time: each of the two threads sleeps while the other works.
    private static func awaits(of loop: any EventLoop, _ seconds: Double) async throws -> [Double] {
        var rounds = Rounds(seconds: seconds)
        while rounds.goOn {
            let start = Clock.wall
            for number in 0..<Rounds.size { _ = try await loop.submit { number }.get() }
            rounds.add(Clock.wall - start)
        }
        return rounds.times
    }

    /// A thousand timers come and go at random instants among those of a hundred thousand.
    private static func timers(on loop: any EventLoop, _ seconds: Double) -> (arm: Rounds, cancel: Rounds) {
        let hour = NIODeadline.now() + .hours(1)
        var random: UInt64 = 0x9E37_79B9_7F4A_7C15
        func armed() -> Scheduled<Void> {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            return loop.scheduleTask(deadline: hour + .nanoseconds(Int64(random >> 22))) {}
        }
        let live = (0..<100_000).map { _ in armed() }
        var more: [Scheduled<Void>] = []
        more.reserveCapacity(Rounds.size)
        var (arm, cancel) = (Rounds(seconds: seconds), Rounds(seconds: seconds))
        while cancel.goOn {
            let start = Clock.cpu
            for _ in 0..<Rounds.size { more.append(armed()) }
            let middle = Clock.cpu
            for timer in more { timer.cancel() }
            more.removeAll(keepingCapacity: true)
            let end = Clock.cpu
            arm.add(middle - start)
            cancel.add(end - middle)
        }
        withExtendedLifetime(live) {}
        return (arm, cancel)
    }
}

/// A thousand callbacks a round; the last ends it and begins the next.
private final class Callbacks: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.
    private let loop: any EventLoop
    private let done: EventLoopPromise<[Double]>
    private var rounds: Rounds
    private var start = 0.0
    private var ran = 0

    init(on loop: any EventLoop, _ seconds: Double) {
        self.loop = loop
        done = loop.makePromise()
        rounds = Rounds(seconds: seconds)
    }

    func begin() -> EventLoopFuture<[Double]> {
        round()
        return done.futureResult
    }

    private func round() {
        start = Clock.cpu
        for _ in 1..<Rounds.size { loop.execute { self.ran += 1 } }
        loop.execute { self.end() }
    }

    private func end() {
        rounds.add(Clock.cpu - start)
        if rounds.goOn { loop.execute { self.round() } } else { done.succeed(rounds.times) }
    }
}

private final class Counter: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.
    var value = 0
}
