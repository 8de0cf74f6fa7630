// Timers: armed, cancelled and slept on, among many that live.

internal import Coro

extension Scenario {
    static let timers = [
        Scenario(
            "timer", "arm, 100 000 live", aim: 80, about: "callAt, at a random instant among those of the others"
        ) { meter in
            let crowd = TimerCrowd(on: meter.loop)
            try await meter.measure(1_000) { _ in
                crowd.cancelMore()
            } operations: { count in
                crowd.armMore(count)
            }
            crowd.disperse()
        },
        Scenario(
            "timer", "cancel, 100 000 live", aim: 60,
            about: "cancel of one of them, in random order of their instants; its handle is dropped later, as peers do"
        ) { meter in
            let crowd = TimerCrowd(on: meter.loop)
            try await meter.measure(1_000) { count in
                crowd.dropMore()
                crowd.armMore(count)
            } operations: { _ in
                crowd.cancelEach()
            }
            crowd.disperse()
        },
        Scenario(
            "timer", "cancel any of 100 000",
            about: "cancel of one of them that nobody has touched for long: it waits for memory, twice"
        ) { meter in
            let crowd = TimerCrowd(on: meter.loop)
            try await meter.measure(1_000) { count in
                crowd.replace(count)
            } operations: { count in
                crowd.cancelAny(count)
            }
            crowd.disperse()
        },
        Scenario(
            "timer", "sleep", about: "try await loop.sleep(for: .nanoseconds(1)) in a hundred tasks that take turns"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(100_000) { count in
                try await inTurn(count, on: loop) { count in
                    for _ in 0..<count { try await loop.sleep(for: .nanoseconds(1)) }
                }
            }
        },
        Scenario(
            "timer", "withTimeout around a done future", about: "a deadline bound to the task, and nothing to wait for"
        ) { meter in
            let loop = meter.loop
            let done = Future(on: loop, .finished(1))
            try await meter.measure(20_000) { count in
                for _ in 0..<count { blackHole(try await loop.withTimeout(.seconds(60)) { try await done.value }) }
            }
        },
        Scenario(
            "timer", "withTimeout around a moment",
            about: "a deadline, a timer armed and cancelled, and a suspension; a hundred tasks that take turns"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(50_000) { count in
                try await inTurn(count, on: loop) { count in
                    for _ in 0..<count { try await loop.withTimeout(.seconds(60)) { try await loop.moment() } }
                }
            }
        },
    ]
}

/// A hundred thousand timers that never come due while we measure, and some more that come and go.
private final class TimerCrowd {
    private let loop: EventLoop
    private let start: LoopInstant
    private var live: [LoopTimer] = []
    private var more: [LoopTimer] = []
    private var round = 0
    /// The same numbers in every run, so that runs compare.
    private var random: UInt64 = 0x9E37_79B9_7F4A_7C15

    init(on loop: EventLoop) {
        self.loop = loop
        start = loop.now.advanced(by: .seconds(3_600))
        more.reserveCapacity(1_000)
        live = (0..<100_000).map { _ in arm() }
    }

    @inline(__always)
    private func arm() -> LoopTimer {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return loop.callAt(LoopInstant(nanoseconds: start.nanoseconds + Int64(random >> 22))) {}
    }

    func armMore(_ count: Int) {
        for _ in 0..<count { more.append(arm()) }
    }

    func cancelMore() {
        cancelEach()
        dropMore()
    }

    func cancelEach() {
        for timer in more { timer.cancel() }
    }

    func dropMore() { more.removeAll(keepingCapacity: true) }

    /// Cancels some of the hundred thousand, far apart.
    func cancelAny(_ count: Int) {
        for number in 0..<count { live[place(number)].cancel() }
    }

    /// Puts others in the places of those, and goes on to other places.
    func replace(_ count: Int) {
        for number in 0..<count where round > 0 { live[place(number)] = arm() }
        round += 1
    }

    /// A prime step through the hundred thousand: no place comes twice in as many, and none is near the one before.
    private func place(_ number: Int) -> Int { (round * 1_000 + number) * 61_813 % 100_000 }

    func disperse() {
        cancelMore()
        for timer in live { timer.cancel() }
    }
}
