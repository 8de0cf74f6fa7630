// Generator-style coroutines: what their yields cost.

internal import Coro

extension Scenario {
    static let yields = [
        Scenario("co.yield", "a done future", aim: 20, about: "try await co.yield(future), when it is done") { meter in
            let done = Future(on: meter.loop, .finished(1))
            let loop = meter.loop
            try await meter.measure(100_000) { count in
                let sum = try await loop.coroutine { co in
                    var sum = 0
                    for _ in 0..<count { sum &+= try await co.yield(done) }
                    return sum
                }.value
                blackHole(sum)
            }
        },
        Scenario(
            "co.yield", "a moment", aim: 250,
            about: "try await co.yield(.moment) in a hundred coroutines that take turns"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(100_000) { count in
                let coroutines = (0..<100).map { _ in
                    loop.coroutine { co in
                        for _ in 0..<count / 100 { try await co.yield(.moment) }
                    }
                }
                for coroutine in coroutines { try await coroutine.value }
            }
        },
        Scenario(
            "co.yield", "a moment, alone", aim: 250,
            about: "the same in one coroutine: an iteration each, its epoll_wait among it"
        ) { meter in
            let loop = meter.loop
            try await meter.measure(10_000) { count in
                try await loop.coroutine { co in
                    for _ in 0..<count { try await co.yield(.moment) }
                }.value
            }
        },
    ]
}
