// Futures without anybody asleep.

internal import Coro

extension Scenario {
    static let promises = [
        Scenario(
            "promise", "made, observed, completed", aim: 100,
            about: "promise, whenDone, succeed, and the observer's run; a thousand an iteration"
        ) { meter in
            let loop = meter.loop
            let sum = Counter()
            try await meter.measure(100_000) { count in
                for _ in 0..<count / 1_000 {
                    for number in 0..<1_000 {
                        let promise = loop.promise(of: Int.self)
                        promise.future.whenDone { sum.value &+= try $0.get() }
                        promise.trySucceed(number)
                    }
                    try await loop.moment()
                }
            }
            blackHole(sum.value)
        },
        Scenario("await", "a done future", aim: 20, about: "try await future.value, when it is done") { meter in
            let done = Future(on: meter.loop, .finished(1))
            var sum = 0
            try await meter.measure(100_000) { count in
                for _ in 0..<count { sum &+= try await done.value }
            }
            blackHole(sum)
        },
        Scenario("await", "an ended task", aim: 20, about: "try await task.value, when it has ended") { meter in
            let task = meter.loop.spawn { 1 }
            var sum = try await task.value
            try await meter.measure(100_000) { count in
                for _ in 0..<count { sum &+= try await task.value }
            }
            blackHole(sum)
        },
    ]
}
