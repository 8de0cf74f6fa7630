// Many futures as one.

internal import Coro

extension Scenario {
    static let combinators = [
        Scenario(
            "gather", "ten futures", about: "ten promises, gathered, completed, and the array awaited; for all ten"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(10_000) { count in
                try await inTurn(count, on: loop) { count in
                    for _ in 0..<count {
                        let promises = (0..<10).map { _ in loop.promise(of: Int.self) }
                        let all = loop.gather(promises.map(\.future))
                        loop.addCallback {
                            for (number, promise) in promises.enumerated() { promise.trySucceed(number) }
                        }
                        blackHole(try await all.value)
                    }
                }
            }
        }
    ]
}
