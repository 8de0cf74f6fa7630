// Repeats a batch of operations, first to warm up and then in rounds, and keeps what they took.
//
// A batch has enough operations for two looks at the clock to cost nothing beside them; nothing is subtracted. Wall time
// is what the report judges by; the CPU time of the whole process stands beside it and tells whether the machine had
// other things to do (then it is the smaller one), or whether two threads worked (then it may be the larger one).

internal import AllocationCounter
internal import Coro
internal import Glibc

/// Measures one scenario.
final class Meter: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used by the scenario's body only, on the loop's thread.

    let loop: EventLoop
    private let seconds: Double
    private let rounds: Int
    private let title: String
    private(set) var figures = Figures()

    init(loop: EventLoop, title: String, seconds: Double, rounds: Int) {
        self.loop = loop
        self.title = title
        self.seconds = seconds
        self.rounds = rounds
    }

    /// Says how far a long scenario is.
    func tell(_ stage: String) { Progress.show("\(title), \(stage)") }

    // MARK: Time

    /// Measures `operations`, which does `count` of them each time it is called; `cleanUp` runs after each, untimed.
    func measure(
        _ count: Int, _ operations: () async throws -> Void, after cleanUp: () async throws -> Void = {}
    ) async throws {
        // A fifth of the time, and at least twice: caches, pages and the allocator's pools fill up.
        _ = try await round(count, atLeast: 2, seconds / 5, operations, cleanUp)
        for _ in 0..<rounds {
            figures.add(try await round(count, atLeast: 1, seconds / Double(rounds), operations, cleanUp))
        }
    }

    private func round(
        _ count: Int, atLeast fewest: Int, _ seconds: Double, _ operations: () async throws -> Void,
        _ cleanUp: () async throws -> Void
    ) async throws -> Figures.Round {
        var round = Figures.Round()
        var batches = 0
        let end = Clock.wall + seconds * 1e9
        repeat {
            let allocated = allocation_counts_now()
            let (wall, cpu) = (Clock.wall, Clock.cpu)
            try await operations()
            round.wall += Clock.wall - wall
            round.cpu += Clock.cpu - cpu
            let now = allocation_counts_now()
            round.allocations += Double(now.allocations - allocated.allocations)
            round.bytes += Double(now.bytes - allocated.bytes)
            round.operations += Double(count)
            batches += 1
            try await cleanUp()
        } while batches < fewest || Clock.wall < end
        return round
    }

    // MARK: Memory

    /// Weighs the `count` things that `make` makes and that live until `release`. The time of making is kept too.
    func weigh(
        _ count: Int, _ make: () async throws -> Void, release: () async throws -> Void = {}
    ) async throws {
        heap_trim()
        var weight = Figures.Weight(count: count)
        weight.residentBefore = Machine.resident
        let heap = Double(heap_bytes_in_use())
        figures.add(try await round(count, make))
        weight.heap = Double(heap_bytes_in_use()) - heap
        weight.residentHeld = Machine.resident
        tell("letting go")
        try await release()
        heap_trim()
        weight.residentAfter = Machine.resident
        figures.weight = weight
    }

    private func round(_ count: Int, _ operations: () async throws -> Void) async throws -> Figures.Round {
        try await round(count, atLeast: 1, 0, operations) {}
    }
}

/// Clocks in nanoseconds.
enum Clock {
    static var wall: Double { read(CLOCK_MONOTONIC) }
    /// What all threads of this process have run.
    static var cpu: Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}
