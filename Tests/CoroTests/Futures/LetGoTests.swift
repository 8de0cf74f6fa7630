import Coro
import CoroTesting
import Testing

@Suite struct LetGoTests {
    @Test func `races, limits, completions, maps and sequences are let go of when they are done or given up`()
        async throws
    {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let living = Journal<WeakHeld>()
            @Sendable func holder() -> Held {
                let held = Held()
                living.note(WeakHeld(held: held))
                return held
            }
            for ends in [false, true] {
                let promises = (0..<6).map { _ in loop.promise(of: Held.self) }
                let futures = promises.map { promise in
                    let held = holder()
                    return promise.future.always { _ in _ = held }
                }
                let race = loop.firstOf([futures[0], futures[1]])
                let left = loop.firstSuccess([futures[2], futures[3]], cancelRest: false)
                let limited = [
                    futures[4].withTimeout(.seconds(1), quiet: .all), futures[5].orCancel(after: .seconds(1)),
                ]
                let completions = loop.asCompleted(futures, quiet: .all)
                let sequence = loop.sequence { futures[0].map { $0 as Held? } }
                let waiting = loop.spawn { for try await _ in sequence {} }
                try await loop.moment()
                waiting.cancel()
                if ends {
                    for promise in promises { promise.trySucceed(holder()) }
                    _ = try await completions.next()
                } else {
                    try await loop.sleep(for: .seconds(2))
                }
                for future in [race, left] + limited { future.whenDone { _ in } }
            }
            // The promises were dropped undelivered: their futures fail, and those who observed them are released.
            for _ in 0..<8 { try await loop.moment() }
            #expect(living.entries.count == 18)
            #expect(living.entries.allSatisfy { $0.held == nil })
        }
    }
}
