// The seeds' two ways to do something every minute. The first loop's period is the pause and the work together; the
// second starts the clock before the work, so its period is the pause alone.
//
// `MinuteLoop 60` runs both once a minute, for ever; without arguments, four rounds of a fifth of a second.

import Coro

@main struct Main {
    static func main() throws {
        let period = CommandLine.arguments.dropFirst().first.flatMap { Double($0) }
        let loop = try EventLoop()
        let ticker = Ticker(loop: loop, period: .seconds(period ?? 0.2), rounds: period == nil ? 4 : .max)
        try loop.runSync {
            // Loops that never end are spawned. If one fails and nobody looks, the failure is reported with this line.
            let first = loop.spawn(name: "minute loop") { try await ticker.minuteLoop() }
            let second = loop.spawn(name: "minute loop 2") { try await ticker.minuteLoop2() }
            try await first.value
            try await second.value
        }
        try loop.close()
    }
}

struct Ticker {
    let loop: EventLoop
    let period: Duration
    let rounds: Int

    func minuteLoop() async throws {
        let started = loop.now
        for _ in 0..<rounds {
            try await doSomething("minute loop, every period + work", since: started)
            try await loop.sleep(for: period)
        }
    }

    func minuteLoop2() async throws {
        let started = loop.now
        for _ in 0..<rounds {
            let next = loop.sleep(period)  // Start the clock.
            try await doSomething("minute loop 2, every period", since: started)  // Run while the clock is ticking.
            try await next.value  // Wait for the timer to run out.
        }
    }

    /// Work that takes a quarter of the period.
    private func doSomething(_ name: String, since started: LoopInstant) async throws {
        let periods = started.duration(to: loop.now) / period
        print("\(name): after \((periods * 100).rounded() / 100) periods")
        try await loop.sleep(for: period / 4)
    }
}
