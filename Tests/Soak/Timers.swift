// Timers that are armed here, cancelled there, and due at the same time.

internal import Coro

extension Scenario {
    static let timers = [
        Scenario("timer: cancelled by other threads while it comes due") { repetition in
            let delays = (0..<30).map { _ in repetition.chance(100_000) }
            let pause = repetition.chance(2_000)
            let living = Tally()
            try repetition.onLoop { loop in
                let fired = (0..<30).map { _ in Tally() }
                let timers = delays.enumerated().map { index, delay in
                    let token = Token(living)
                    return loop.callLater(.nanoseconds(delay)) {
                        _ = token
                        fired[index].add()
                    }
                }
                repetition.crew.start(0) {
                    Crew.dawdle(pause)
                    for timer in timers.prefix(15) { timer.cancel() }
                }
                repetition.crew.start(1) {
                    Crew.dawdle(pause)
                    for timer in timers.prefix(20).reversed() { timer.cancel() }
                }
                repetition.crew.start(2) {
                    Crew.dawdle(pause)
                    for _ in 0..<5 { loop.callLater(.nanoseconds(1)) {}.cancel() }
                }
                try await loop.sleep(for: .nanoseconds(110_000))
                repetition.crew.wait()
                try await loop.moment()
                try repetition.expect(fired.allSatisfy { $0.value <= 1 }, "a timer fired twice")
                try repetition.expect(
                    fired.dropFirst(20).allSatisfy { $0.value == 1 }, "a timer that nobody cancelled did not fire")
                try repetition.expect(living.value == 0, "\(living.value) timers still hold their callback")
            }
        },
        Scenario("timer: sleeps cancelled while they end") { repetition in
            let delays = (0..<12).map { _ in repetition.chance(100_000) }
            let pause = repetition.chance(3_000)
            try repetition.onLoop { loop in
                let tasks = delays.map { delay in
                    loop.spawn {
                        try await Ending {
                            try await loop.sleep(for: .nanoseconds(delay))
                            return delay
                        }
                    }
                }
                repetition.crew.start(0) {
                    Crew.dawdle(pause)
                    for task in tasks.prefix(8) { task.cancel() }
                }
                for (index, task) in tasks.enumerated() {
                    let ending = try await Ending {
                        let ending = try await task.value
                        return ending == .cancelled ? -1 : ending == .value(delays[index]) ? delays[index] : -2
                    }
                    let isExpected =
                        ending == .value(delays[index]) || index < 8 && [.value(-1), .cancelled].contains(ending)
                    try repetition.expect(isExpected, "sleep \(index) ended with \(ending)")
                }
            }
        },
    ]
}
