// One row of the report: a name, an aim, and what is done over and over.

internal import Coro

/// Something to measure.
struct Scenario: Sendable {
    /// The subject it belongs to, and its name there. Together they are its key in reports: keep them.
    let group: String
    let name: String
    /// What one operation should take at most, in nanoseconds: design.md section 6, or nil where that says nothing.
    let aim: Double?
    /// What Coro's rate should be at least, divided by that of the best peer beside it, or nil.
    let leastRatio: Double?
    /// Which of its figures that is held against.
    let judgedBy: Comparison.Judge
    /// One operation in a sentence, with whatever makes the figure look better or worse than it is.
    let about: String
    /// Set when threads wait for each other: sleeping is then part of what it takes.
    let crossesThreads: Bool
    /// Prepares, calls one of the meter's `measure…`, and cleans up. Runs as a task of the meter's loop.
    let body: @Sendable (Meter) async throws -> Void

    init(
        _ group: String, _ name: String, aim: Double? = nil, leastRatio: Double? = nil,
        judgedBy: Comparison.Judge = .rate, about: String, crossesThreads: Bool = false,
        _ body: @escaping @Sendable (Meter) async throws -> Void
    ) {
        self.group = group
        self.name = name
        self.aim = aim
        self.leastRatio = leastRatio
        self.judgedBy = judgedBy
        self.about = about
        self.crossesThreads = crossesThreads
        self.body = body
    }

    var key: String { "\(group)/\(name)" }

    func matches(_ filters: [String]) -> Bool {
        filters.isEmpty || filters.contains { key.lowercased().contains($0.lowercased()) }
    }
}

extension Scenario {
    /// What `coro-bench micro` measures, in the order of the report. A new subject is a new file and a line here.
    static let micro: [Scenario] =
        callbacks + promises + yields + suspensions + tasks + crossings + timers + meetings + combinators + generators
        + streams
        + floors

    /// What `coro-bench net` compares.
    static let net: [Scenario] = netStreams + netConnections + netFiles + netTLS

    #if !TLS
    private static let netTLS: [Scenario] = []
    #endif
}

/// Keeps the optimiser from dropping what computes `value`.
@inline(never)
func blackHole<Value>(_ value: Value) {}

/// A number that the callbacks of one loop share.
final class Counter: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on one loop's thread only, or by threads that take turns.
    var value = 0
}
