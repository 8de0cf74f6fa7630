// Repeats a batch of operations, first to warm up and then in rounds, and keeps what they took.
//
// A batch has enough operations for two looks at the clock to cost nothing beside them; nothing is subtracted. CPU time of
// the whole process stands beside wall time: it is the smaller one when the machine had other things to do, or when
// threads slept, and may be the larger one when two worked.

internal import AllocationCounter
internal import Coro
internal import Glibc

/// Measures one scenario.
final class Meter: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used by the scenario's body only, on the loop's thread.

    let loop: EventLoop
    let seconds: Double
    let rounds: Int
    private let title: String
    var figures = Figures()

    init(loop: EventLoop, title: String, seconds: Double, rounds: Int) {
        self.loop = loop
        self.title = title
        self.seconds = seconds
        self.rounds = rounds
    }

    /// Somebody who gives less than a hundredth of a second wants to see it run, and nothing else.
    var isBrief: Bool { seconds < 0.01 }

    /// Says how far a long scenario is.
    func tell(_ stage: String) { Progress.show("\(title), \(stage)") }

    // MARK: Time

    /// Measures `operations`, which does as many as it is told, over and over; `prepare` runs before each, untimed.
    ///
    /// - Parameter count: the size of a batch, a multiple of 1,000.
    func measure(
        _ count: Int, _ prepare: (Int) async throws -> Void = { _ in }, operations: (Int) async throws -> Void
    ) async throws {
        let count = isBrief ? max(count / 100, 1_000) : count
        // A fifth of the time: caches, pages and the allocator's pools fill up.
        _ = try await round(count, seconds / 5, prepare, operations)
        for _ in 0..<rounds {
            figures.add(try await round(count, seconds / Double(rounds), prepare, operations))
        }
    }

    /// Batches until the time is over; one at least.
    private func round(
        _ count: Int, _ seconds: Double, _ prepare: (Int) async throws -> Void,
        _ operations: (Int) async throws -> Void
    ) async throws -> Figures.Round {
        var round = Figures.Round()
        let end = Clock.wall + seconds * 1e9
        repeat {
            try await prepare(count)
            let allocated = allocation_counts_now()
            let (wall, cpu) = (Clock.wall, Clock.cpu)
            try await operations(count)
            round.wall += Clock.wall - wall
            round.cpu += Clock.cpu - cpu
            let now = allocation_counts_now()
            round.allocations += Double(now.allocations - allocated.allocations)
            round.bytes += Double(now.bytes - allocated.bytes)
            round.operations += Double(count)
        } while Clock.wall < end
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
        figures.add(try await round(count, 0, { _ in }, { _ in try await make() }))
        weight.heap = Double(heap_bytes_in_use()) - heap
        weight.residentHeld = Machine.resident
        tell("letting go")
        try await release()
        heap_trim()
        weight.residentAfter = Machine.resident
        figures.weight = weight
    }

    // MARK: Load

    /// Runs what blocks on a thread of its own, so that this one still hears of signals and of servers that end.
    func blocking<Value: Sendable>(_ work: sending @escaping () throws -> Value) async throws -> Value {
        try await loop.runBlocking(work)
    }
}

/// Clocks in nanoseconds.
enum Clock {
    static var wall: Double { read(CLOCK_MONOTONIC) }
    /// What all threads of this process have run.
    static var cpu: Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}
