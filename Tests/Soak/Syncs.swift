// Locks, queues and channels under cancels: what is handed over arrives once.

internal import Coro

extension Scenario {
    static let syncs = [
        Scenario("lock: handed over while its next holder is cancelled") { turn in
            let dawdle = turn.chance(300)
            try turn.onLoop { [crew = turn.crew] loop in
                let lock = Lock(on: loop)
                let inside = Tally()
                let tasks = (0..<4).map { _ in
                    loop.spawn {
                        try await lock.withLock {
                            guard inside.add() == 1 else { throw Broken(description: "two hold one lock") }
                            defer { inside.add(-1) }
                            try await loop.moment()
                        }
                    }
                }
                crew.start(0) {
                    Crew.dawdle(dawdle)
                    tasks[1].cancel()
                    tasks[2].cancel()
                }
                for task in tasks {
                    do { try await task.value } catch is CancellationError {}
                }
                guard !lock.isLocked else { throw Broken(description: "the lock was not given back") }
            }
        },
        Scenario("queue: a getter that is cancelled takes nothing") { turn in
            let dawdle = turn.chance(300)
            try turn.onLoop { [crew = turn.crew] loop in
                let queue = Queue<Int>(on: loop, capacity: 1)
                let got = Tally()
                let getters = (0..<3).map { _ in
                    loop.spawn { while try await queue.get() != nil { got.add() } }
                }
                crew.start(0) {
                    Crew.dawdle(dawdle)
                    getters[0].cancel()
                    getters[1].cancel()
                }
                for number in 0..<10 { try await queue.put(number) }
                queue.close()
                for getter in getters { do { try await getter.value } catch is CancellationError {} }
                guard got.value == 10 else { throw Broken(description: "10 were put and \(got.value) got") }
            }
        },
        Scenario("channel: between a loop and the pool, cancelled on both sides") { turn in
            let dawdle = turn.chance(300)
            try turn.onLoop { [crew = turn.crew] loop in
                let channel = Channel<Int>(capacity: dawdle % 2)
                let sent = Tally()
                let received = Tally()
                let sender = loop.spawn {
                    for number in 0..<10 {
                        try await channel.send(number)
                        sent.add()
                    }
                }
                let receiver = loop.spawn { while try await channel.receive() != nil { received.add() } }
                crew.start(0) {
                    Crew.dawdle(dawdle)
                    if dawdle % 3 == 0 { sender.cancel() } else { receiver.cancel() }
                }
                _ = try await loop.runBlocking { crew.wait(for: 0) }
                sender.cancel()
                do { try await sender.value } catch is CancellationError {}
                channel.close()
                do { try await receiver.value } catch is CancellationError {}
                // What nobody came for is still there.
                while channel.tryReceive() != nil { received.add() }
                guard sent.value == received.value else {
                    throw Broken(description: "\(sent.value) were sent and \(received.value) received")
                }
            }
        },
        Scenario("blocking work: cancelled while it waits for a thread, runs, and ends") { turn in
            let dawdle = turn.chance(300)
            try turn.onLoop { [crew = turn.crew] loop in
                let ran = Tally()
                let works = (0..<4).map { _ in
                    loop.blocking {
                        Crew.dawdle(100)
                        return ran.add()
                    }
                }
                crew.start(0) {
                    Crew.dawdle(dawdle)
                    works[1].cancel()
                    works[3].cancel()
                }
                var values = 0
                for work in works {
                    do {
                        _ = try await work.value
                        values += 1
                    } catch is CancellationError {}
                }
                guard values >= 2, ran.value >= values else {
                    throw Broken(description: "\(values) of 4 came back and \(ran.value) ran")
                }
            }
        },
    ]
}
