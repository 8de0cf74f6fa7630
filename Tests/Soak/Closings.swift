// Loops that are made, run and closed while other threads bring work all the time.

internal import Coro

extension Scenario {
    static let closings = [
        Scenario("close: under callbacks, tasks, timers and promises of other threads") { repetition in
            let loop = try repetition.makeLoop()
            let living = Tally()
            let accepted = Tally()
            let ran = Tally()
            let begun = Tally()
            let ended = Tally()
            let stop = repetition.chance(3_000)
            let delays = (0..<3).map { _ in repetition.chance(1_500) }
            repetition.crew.start(0) {
                Crew.dawdle(delays[0])
                for _ in 0..<60 {
                    let token = Token(living)
                    let isAccepted = loop.addCallback {
                        _ = token
                        ran.add()
                    }
                    if isAccepted { accepted.add() }
                }
            }
            repetition.crew.start(1) {
                Crew.dawdle(delays[1])
                for index in 0..<20 {
                    let token = Token(living)
                    let task = loop.spawn {
                        begun.add()
                        defer { ended.add() }
                        _ = token
                        switch index % 4 {
                        case 0: try await loop.sleep(for: .seconds(3_600))
                        case 1: try await loop.moment()
                        case 2: try await loop.promise(of: Void.self).future.value
                        default: try await loop.coroutine { co in try await co.yield(.moment) }.value
                        }
                    }
                    if index % 5 == 0 { task.cancel() }
                }
            }
            repetition.crew.start(2) {
                Crew.dawdle(delays[2])
                for index in 0..<20 {
                    let token = Token(living)
                    let timer = loop.callLater(.nanoseconds(index * 1_000)) { _ = token }
                    if index % 3 == 0 { timer.cancel() }
                    let promise = loop.promise(of: Int.self)
                    promise.future.whenDone { _ in _ = token }
                    if index % 2 == 0 { promise.trySucceed(index) } else { promise.future.cancel() }
                }
                Crew.dawdle(stop)
                loop.stop()
            }
            try loop.run()
            try loop.close()
            repetition.crew.wait()
            try repetition.expect(
                ran.value == accepted.value, "\(accepted.value) callbacks accepted, \(ran.value) ran")
            try repetition.expect(begun.value == 20 && ended.value == 20, "\(begun.value) begun, \(ended.value) ended")
            try repetition.expect(living.value == 0, "\(living.value) captured objects are still there")
        },
        Scenario("close: of a loop that nobody ran, while others use it") { repetition in
            let loop = try repetition.makeLoop()
            let living = Tally()
            let ended = Tally()
            let delays = (0..<3).map { _ in repetition.chance(400) }
            for thread in 0..<2 {
                repetition.crew.start(thread) {
                    Crew.dawdle(delays[thread])
                    for _ in 0..<10 {
                        let token = Token(living)
                        loop.addCallback { _ = token }
                        loop.spawn {
                            defer { ended.add() }
                            _ = token
                            try await loop.moment()
                        }
                        loop.callLater(.zero) { _ = token }
                    }
                }
            }
            Crew.dawdle(delays[2])
            try loop.close()
            repetition.crew.wait()
            try repetition.expect(ended.value == 20, "\(ended.value) of 20 tasks ended")
            try repetition.expect(living.value == 0, "\(living.value) captured objects are still there")
        },
    ]
}
