// Several threads complete the same promises while a task, a coroutine and an observer wait for them.

internal import Coro
internal import CoroTesting

extension Scenario {
    static let promises = [
        Scenario("promise: three threads complete the same one") { repetition in
            let count = 8
            let won = (0..<count).map { _ in Tally() }
            let winner = (0..<count).map { _ in Tally() }
            let observed = Tally()
            let delays = (0..<3).map { _ in repetition.chance(400) }
            try repetition.onLoop { loop in
                let promises = (0..<count).map { _ in loop.promise(of: Int.self) }
                for promise in promises { promise.future.whenDone { _ in observed.add() } }
                let coroutine = loop.coroutine { co in
                    var values: [Int] = []
                    for promise in promises { values.append(try await co.yield(promise.future)) }
                    return values
                }
                for thread in 0..<3 {
                    repetition.crew.start(thread) {
                        Crew.dawdle(delays[thread])
                        for index in 0..<count where promises[index].trySucceed(thread + 1) {
                            won[index].add()
                            winner[index].add(thread + 1)
                        }
                    }
                }
                var values: [Int] = []
                for promise in promises { values.append(try await promise.future.value) }
                let yielded = try await coroutine.value
                // What a thread did beside the completion is there once it has ended.
                repetition.crew.wait()
                try repetition.expect(values == yielded, "the task saw \(values), the coroutine \(yielded)")
                try repetition.expect(won.allSatisfy { $0.value == 1 }, "won: \(won.map(\.value))")
                try repetition.expect(values == winner.map(\.value), "\(values), but won by \(winner.map(\.value))")
                // Observers run one iteration after the completion at the latest.
                try await loop.moment()
                try await loop.moment()
                try repetition.expect(observed.value == count, "\(observed.value) of \(count) observers ran")
            }
        },
        Scenario("promise: what a future held outlives it") { repetition in
            let count = 1 + repetition.chance(20_000)
            try repetition.onLoop { loop in
                // The future goes with the wait for it. Compiled with optimisation, that may be before its value is used.
                let bytes = try await loop.runBlocking { [UInt8](repeating: 7, count: count) }
                try repetition.expect(bytes.count == count && bytes.allSatisfy { $0 == 7 }, "other bytes came back")
                let spawned = try await loop.spawn { [UInt8](repeating: 8, count: count) }.value
                try repetition.expect(spawned.count == count && spawned.allSatisfy { $0 == 8 }, "others came back")
                // This one does not fit into the future's own words.
                let several = try await loop.runBlocking {
                    (0, 0, [UInt8](repeating: 9, count: count), String(repeating: "x", count: count))
                }
                let isWhole = several.2.allSatisfy { $0 == 9 } && several.3.utf8.allSatisfy { $0 == UInt8(ascii: "x") }
                try repetition.expect(isWhole, "several came back as others")
                let complaint = String(repeating: "y", count: count)
                do {
                    _ = try await loop.runBlocking { throw Broken(description: complaint) }
                } catch let broken as Broken {
                    try repetition.expect(broken.description == complaint, "another failure came back")
                }
            }
        },
        Scenario("promise: awaited on the pool, completed, cancelled or closed under it") { repetition in
            let loop = try repetition.makeLoop()
            let promises = (0..<6).map { _ in loop.promise(of: Int.self) }
            let ended = Tally()
            let broken = Tally()
            let waiting = promises.map { promise in
                Task.detached {
                    guard let ending = try? await Ending(of: { try await promise.future.value }) else {
                        broken.add()
                        return
                    }
                    if case .value(let value) = ending, value != 7 { broken.add() }
                    ended.add()
                }
            }
            let delays = (0..<3).map { _ in repetition.chance(2_000) }
            repetition.crew.start(0) {
                Crew.dawdle(delays[0])
                for promise in promises.prefix(4) { promise.trySucceed(7) }
            }
            repetition.crew.start(1) {
                Crew.dawdle(delays[1])
                for task in waiting.suffix(4) { task.cancel() }
            }
            repetition.crew.start(2) {
                Crew.dawdle(delays[2])
                loop.stop()
            }
            try loop.run()
            try loop.close()
            repetition.crew.wait()
            let done = Gate()
            Task.detached {
                for task in waiting { await task.value }
                done.open()
            }
            done.wait()
            try repetition.expect(broken.value == 0, "\(broken.value) waits ended in a way nobody announced")
            try repetition.expect(ended.value == 6, "\(ended.value) of 6 waits ended")
        },
    ]
}
