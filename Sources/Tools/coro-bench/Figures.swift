// What a scenario took: times of some rounds, the memory of many things at once, or several servers' shares of a load.

internal import AllocationCounter

/// What a scenario took.
struct Figures: Sendable {
    /// The sums of one round; times in nanoseconds.
    struct Round: Sendable {
        var operations = 0.0
        var wall = 0.0
        var cpu = 0.0
        var allocations = 0.0
        var bytes = 0.0
    }

    /// What many things held at once took, in bytes; `residentAfter` is when they are gone.
    struct Weight: Sendable {
        var count = 0
        var heap = 0.0
        var residentBefore = 0.0
        var residentHeld = 0.0
        var residentAfter = 0.0

        var heapEach: Double { heap / Double(count) }
        var residentEach: Double { (residentHeld - residentBefore) / Double(count) }
    }

    private(set) var rounds: [Round] = []
    var weight: Weight?
    var comparison: Comparison?

    mutating func add(_ round: Round) { rounds.append(round) }

    /// Nanoseconds an operation, one figure a round.
    var wall: [Double] { rounds.map { $0.wall / $0.operations } }
    var median: Double { Figures.median(wall) }
    var least: Double { wall.min() ?? .nan }
    var most: Double { wall.max() ?? .nan }
    var cpu: Double { Figures.median(rounds.map { $0.cpu / $0.operations }) }

    var operations: Double { sum(\.operations) }
    /// Calls and bytes an operation, over all rounds; nil where they cannot be counted.
    var allocations: Double? { allocation_counts_available() ? sum(\.allocations) / operations : nil }
    var bytes: Double? { allocation_counts_available() ? sum(\.bytes) / operations : nil }

    private func sum(_ part: (Round) -> Double) -> Double { rounds.reduce(0) { $0 + part($1) } }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
