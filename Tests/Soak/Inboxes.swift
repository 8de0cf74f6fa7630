// Work from other threads: nothing lost, nothing out of its thread's order, and no wake-up missed.

internal import Coro
internal import CoroTesting

extension Scenario {
    static let inboxes = [
        Scenario("inbox: three threads, in order") { repetition in
            let delays = (0..<3).map { _ in repetition.chance(500) }
            try repetition.onLoop { loop in
                let seen = Seen()
                let ended = (0..<3).map { _ in loop.promise(of: Void.self) }
                for thread in 0..<3 {
                    repetition.crew.start(thread) {
                        Crew.dawdle(delays[thread])
                        for number in 0..<200 { loop.addCallback { seen.note(thread, number) } }
                        ended[thread].trySucceed(())
                    }
                }
                for promise in ended { try await promise.future.value }
                try repetition.expect(seen.counts == [200, 200, 200], "seen: \(seen.counts)")
                try repetition.expect(!seen.isDisordered, "a thread's callbacks came out of order")
            }
        },
        Scenario("inbox: no wake-up is lost") { repetition in
            let pauses = (0..<8).map { _ in repetition.chance(600) }
            try repetition.onLoop { loop in
                let ended = loop.promise(of: Void.self)
                repetition.crew.start(0) {
                    let ran = Gate()
                    for pause in pauses {
                        // About when the loop falls asleep: were the signal lost, nothing else would ever wake it.
                        Crew.dawdle(pause)
                        loop.addCallback { ran.open() }
                        ran.wait()
                    }
                    ended.trySucceed(())
                }
                try await ended.future.value
            }
        },
    ]
}

/// What the loop has seen of each thread.
private final class Seen: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.
    private(set) var counts = [0, 0, 0]
    private(set) var isDisordered = false

    func note(_ thread: Int, _ number: Int) {
        if counts[thread] != number { isDisordered = true }
        counts[thread] += 1
    }
}
