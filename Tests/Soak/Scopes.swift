// Scopes that other threads spawn into and cancel while they fail and end.

internal import Coro

extension Scenario {
    static let scopes = [
        Scenario("scope: spawned into, cancelled and failed by several threads") { turn in
            let begun = Tally()
            let ended = Tally()
            let fails = turn.chance(2) == 0
            let cancels = turn.chance(2) == 0
            let dawdle = turn.chance(200)
            try turn.onLoop { [crew = turn.crew] loop in
                do {
                    try await loop.withScope { scope in
                        for index in 0..<2 {
                            crew.start(index) {
                                Crew.dawdle(dawdle)
                                let task = scope.spawn {
                                    begun.add()
                                    defer { ended.add() }
                                    try await loop.moment()
                                    if fails { throw Broken(description: "on purpose") }
                                }
                                // One that comes after the end is refused.
                                task.future.whenDone { _ in }
                                if cancels { scope.cancel() }
                            }
                        }
                        for _ in 0..<dawdle % 20 { try await loop.moment() }
                    }
                } catch is CancellationError, is Broken {}
                guard begun.value == ended.value else {
                    throw Broken(
                        description: "\(begun.value) tasks began and \(ended.value) ended before their scope did")
                }
            }
        }
    ]
}
