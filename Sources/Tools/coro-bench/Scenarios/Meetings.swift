// Tasks that meet: locks, queues, channels and scopes, without contention, which is what a program does most.

internal import Coro

extension Scenario {
    static let meetings = [
        Scenario("sync", "lock.withLock", about: "nobody else wants it") { meter in
            let lock = Lock(on: meter.loop)
            try await meter.measure(100_000) { count in
                for number in 0..<count { blackHole(try await lock.withLock { number }) }
            }
        },
        Scenario("sync", "semaphore, taken and given back", about: "acquire and release of a free permit") { meter in
            let semaphore = Coro.Semaphore(on: meter.loop, permits: 4)
            try await meter.measure(100_000) { count in
                for _ in 0..<count {
                    try await semaphore.acquire()
                    semaphore.release()
                }
            }
        },
        Scenario("sync", "queue, put and get", about: "room in it, and an element in it") { meter in
            let queue = Queue<Int>(on: meter.loop, capacity: 8)
            try await meter.measure(50_000) { count in
                for number in 0..<count {
                    try await queue.put(number)
                    blackHole(try await queue.get())
                }
            }
        },
        Scenario("sync", "queue, handed over", about: "a putter and a getter that wait for each other") { meter in
            let loop = meter.loop
            let queue = Queue<Int>(on: loop, capacity: 1)
            try await meter.measure(20_000) { count in
                let putter = loop.spawn { for number in 0..<count { try await queue.put(number) } }
                for _ in 0..<count { blackHole(try await queue.get()) }
                try await putter.value
            }
        },
        Scenario("sync", "channel, send and receive", about: "a channel with room, on one loop") { meter in
            let channel = Channel<Int>(capacity: 8)
            try await meter.measure(50_000) { count in
                for number in 0..<count {
                    try await channel.send(number)
                    blackHole(try await channel.receive())
                }
            }
        },
        Scenario("scope", "opened and ended", about: "withScope around nothing") { meter in
            let loop = meter.loop
            try await meter.measure(20_000) { count in
                for number in 0..<count { blackHole(try await loop.withScope { _ in number }) }
            }
        },
        Scenario("scope", "a task in a scope", about: "a thousand in each scope; for one task") { meter in
            let loop = meter.loop
            try await meter.measure(20_000) { count in
                for _ in 0..<count / 1_000 {
                    try await loop.withScope { scope in
                        for number in 0..<1_000 { scope.spawn { blackHole(number) } }
                    }
                }
            }
        },
    ]
}
