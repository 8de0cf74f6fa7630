// A wait that is completed, cancelled, timed out and closed at the same time ends once, in one of these ways.

internal import Coro

extension Scenario {
    static let cancels = [
        Scenario("cancel: against completion and timeout") { repetition in
            let delays = (0..<3).map { _ in repetition.chance(3_000) }
            let timeout = Duration.nanoseconds(repetition.chance(200_000))
            try repetition.onLoop { loop in
                let promises = (0..<9).map { _ in loop.promise(of: Int.self) }
                let cleanUps = Tally()
                let tasks = promises.enumerated().map { index, promise in
                    loop.spawn {
                        defer { cleanUps.add() }
                        return try await Ending {
                            if index % 3 == 0 {
                                try await loop.withTimeout(timeout) { try await promise.future.value }
                            } else {
                                try await promise.future.value
                            }
                        }
                    }
                }
                repetition.crew.start(0) {
                    Crew.dawdle(delays[0])
                    for promise in promises { promise.trySucceed(7) }
                }
                repetition.crew.start(1) {
                    Crew.dawdle(delays[1])
                    for task in tasks.suffix(6) { task.cancel() }
                }
                repetition.crew.start(2) {
                    Crew.dawdle(delays[2])
                    for promise in promises.suffix(3) { promise.future.cancel() }
                }
                var endings: [Ending] = []
                for (index, task) in tasks.enumerated() {
                    // A task that was cancelled before it began has a cancelled future and nothing to say.
                    let ending = try await Ending {
                        endings.append(try await task.value); return 7
                    }
                    try repetition.expect(ending == .value(7) || ending == .cancelled, "task \(index): \(ending)")
                }
                for ending in endings {
                    try repetition.expect(
                        [.value(7), .cancelled, .timedOut].contains(ending), "a wait ended with \(ending)")
                }
                try repetition.expect(cleanUps.value == 9, "\(cleanUps.value) of 9 clean-ups ran")
                repetition.crew.wait()
                // What another thread has completed is settled by the loop, in its next iteration.
                try await loop.moment()
                try await loop.moment()
                try repetition.expect(promises.allSatisfy { $0.future.isDone }, "a future is not done")
            }
        },
        Scenario("cancel: nested tasks, leaf reached") { repetition in
            let delay = repetition.chance(3_000)
            try repetition.onLoop { loop in
                let cleanUps = Tally()
                let outer = loop.spawn {
                    defer { cleanUps.add() }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for index in 0..<4 {
                            group.addTask {
                                defer { cleanUps.add() }
                                if index % 2 == 0 {
                                    try await loop.sleep(for: .seconds(3_600))
                                } else {
                                    let promise = loop.promise(of: Void.self)
                                    try await promise.future.value
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                repetition.crew.start(0) {
                    Crew.dawdle(delay)
                    outer.cancel()
                }
                let ending = try await Ending {
                    try await outer.value
                    return 0
                }
                try repetition.expect(ending == .cancelled, "the outer task ended with \(ending)")
                try repetition.expect(cleanUps.value == 5, "\(cleanUps.value) of 5 clean-ups ran")
            }
        },
    ]
}
