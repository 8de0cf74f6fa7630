// Generators and coroutines that are cancelled, dropped or closed wherever they happen to stand.

internal import Coro

extension Scenario {
    static let coroutines = [
        Scenario("coroutine: cancelled while it yields, awaits and delegates") { repetition in
            let delay = repetition.chance(4_000)
            let other = repetition.chance(4_000)
            try repetition.onLoop { loop in
                let cleanUps = Tally()
                let promise = loop.promise(of: Int.self)
                let coroutines = (0..<6).map { index in
                    loop.coroutine { co in
                        defer { cleanUps.add() }
                        for _ in 0..<3 { try await co.yield(.moment) }
                        switch index % 3 {
                        case 0: return try await co.yield(promise.future)
                        case 1: return try await promise.future.value
                        default:
                            return try await co.yield { inner in
                                defer { cleanUps.add() }
                                return try await inner.yield(promise.future)
                            }
                        }
                    }
                }
                repetition.crew.start(0) {
                    Crew.dawdle(delay)
                    for coroutine in coroutines.dropFirst(2) { coroutine.cancel() }
                }
                repetition.crew.start(1) {
                    Crew.dawdle(other)
                    promise.trySucceed(7)
                }
                for (index, coroutine) in coroutines.enumerated() {
                    let ending = try await Ending { try await coroutine.value }
                    try repetition.expect(
                        ending == .value(7) || ending == .cancelled, "coroutine \(index) ended with \(ending)")
                }
                repetition.crew.wait()
                // A cancelled coroutine may still be at its clean-up, which takes iterations and no time.
                var patience = 1_000
                while cleanUps.value < 6, patience > 0 {
                    patience -= 1
                    try await loop.moment()
                }
                try repetition.expect((6...8).contains(cleanUps.value), "\(cleanUps.value) clean-ups ran")
            }
        },
        Scenario("coroutine: closed under it") { repetition in
            let loop = try repetition.makeLoop()
            let cleanUps = Tally()
            let begun = Tally()
            let stop = repetition.chance(4_000)
            for index in 0..<8 {
                let coroutine = loop.coroutine { co in
                    begun.add()
                    defer { cleanUps.add() }
                    while true {
                        switch index % 4 {
                        case 0: try await co.yield(.moment)
                        case 1: try await loop.moment()
                        case 2: try await co.yield(loop.sleep(.seconds(3_600)))
                        default:
                            _ = try await co.yield([loop.sleep(.seconds(3_600)), loop.promise(of: Void.self).future])
                        }
                    }
                }
                if index == 3 { coroutine.cancel() }
            }
            repetition.crew.start(0) {
                Crew.dawdle(stop)
                loop.stop()
            }
            try loop.run()
            repetition.crew.wait()
            try loop.close()
            try repetition.expect(
                begun.value == cleanUps.value, "\(begun.value) bodies begun, \(cleanUps.value) clean-ups ran")
        },
        Scenario("generator: dropped and closed half way") { repetition in
            let cleanUps = Tally()
            let steps = repetition.chance(4)
            let living = Tally()
            for thread in 0..<3 {
                repetition.crew.start(thread) {
                    for index in 0..<4 {
                        let token = Token(living)
                        let generator = Generator<Int, Int, Int> { yielder in
                            defer { cleanUps.add() }
                            var sum = 0
                            for _ in 0..<3 { sum += try await yielder.yield(sum) }
                            _ = token
                            return sum
                        }
                        for step in 0..<steps { _ = try? generator.send(step) }
                        if index % 2 == 0 { generator.close() }
                    }
                }
            }
            repetition.crew.wait()
            // A body that was never begun has nothing to clean up.
            let expected = steps == 0 ? 0 : 12
            try repetition.expect(cleanUps.value == expected, "\(cleanUps.value) of \(expected) clean-ups ran")
            try repetition.expect(living.value == 0, "\(living.value) captured objects are still there")
        },
    ]
}
