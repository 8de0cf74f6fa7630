// One race, and what must hold after it however it went.

internal import Coro

/// Something to repeat thousands of times.
struct Scenario: Sendable {
    let name: String
    /// For those that take real time: no more repetitions than this, however many are asked for.
    let most: Int
    /// One repetition. Throws `Broken` when an invariant does not hold.
    let body: @Sendable (Repetition) throws -> Void

    init(_ name: String, atMost most: Int = .max, _ body: @escaping @Sendable (Repetition) throws -> Void) {
        self.name = name
        self.most = most
        self.body = body
    }

    static let all =
        promises + cancels + closings + inboxes + coroutines + timers + streams + scopes + syncs + reports + paths
        + crowds
}

/// An invariant that does not hold.
struct Broken: Error, CustomStringConvertible {
    let description: String
}

/// One turn of a scenario: its number, chance that depends on nothing else, other threads, and loops that must go.
final class Repetition: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used on the main thread only, which is also the one that runs the loops.

    let number: Int
    let crew: Crew
    /// How long a repetition that takes real time is to go on.
    let seconds: Int
    private let census: Census
    private var random: UInt64

    init(_ number: Int, seconds: Int, crew: Crew, census: Census) {
        self.number = number
        self.seconds = seconds
        self.crew = crew
        self.census = census
        // Any number but zero, and far from its neighbour's.
        random = UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
    }

    /// A number below `limit`, the same in every run of this repetition (xorshift).
    func chance(_ limit: Int) -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int(random >> 33) % limit
    }

    func expect(_ holds: Bool, _ sentence: @autoclosure () -> String) throws {
        if !holds { throw Broken(description: sentence()) }
    }

    /// A loop that must be gone at the scenario's end.
    func makeLoop(clock: any LoopClock = MonotonicClock()) throws -> EventLoop {
        let loop = try EventLoop(clock: clock)
        census.watch(loop)
        return loop
    }

    /// Runs `body` on a loop, closes it, and waits for the other threads.
    func onLoop(
        clock: any LoopClock = MonotonicClock(), _ body: @escaping @Sendable (EventLoop) async throws -> Void
    ) throws {
        let loop = try makeLoop(clock: clock)
        try loop.runSync { try await body(loop) }
        crew.wait()
        try loop.close()
    }
}
