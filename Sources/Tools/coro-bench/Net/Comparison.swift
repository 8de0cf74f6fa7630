// What servers made of the same load in turns, and Coro's part beside each of the others'. The machine's speed drifts by
// more than they differ, so that a ratio is taken round by round and only then the median of them.

/// What one server is held against another with.
struct Comparison: Sendable {
    /// What is counted.
    enum Unit: String, Sendable { case message, byte, connection, request, handshake }

    /// What an aim is held against: how fast a server is, or how much it does with its CPU time. The second where the load
    /// has one thing under way at a time and takes its own time for it.
    enum Judge: String, Sendable { case rate, cpu }

    /// One server's part of a round; not a number where the row has no such figure.
    struct Round: Sendable {
        /// Units in a second of wall time.
        var perSecond = Double.nan
        /// CPU time of the server's process for a unit, in nanoseconds.
        var cpu = Double.nan
        /// Resident memory of the server's process for a connection that is open and quiet, in bytes.
        var bytes = Double.nan

        /// The part of its core that the server has used, 0 to 1. Where that is much less than 1 it has waited for the load,
        /// and the rate is the load's.
        var busy: Double { perSecond * cpu / 1e9 }
    }

    /// One server's rounds.
    struct Side: Sendable {
        let name: String
        var rounds: [Round] = []

        func spread(_ part: KeyPath<Round, Double>) -> Spread { Spread(rounds.map { $0[keyPath: part] }) }
    }

    let unit: Unit
    /// Coro's first.
    var sides: [Side]
    /// Servers that are not installed, and the cure.
    let missing: [(name: String, cure: String)]

    var peers: ArraySlice<Side> { sides.dropFirst() }

    /// Coro's figure divided by a peer's, round by round.
    func ratio(_ part: KeyPath<Round, Double>, to peer: Side) -> Spread {
        guard let ours = sides.first else { return Spread([]) }
        return Spread(zip(ours.rounds, peer.rounds).map { $0[keyPath: part] / $1[keyPath: part] })
    }

    /// Coro's part of what the best peer does; nil without one.
    func leastRatio(by judge: Judge) -> Double? {
        peers.map { peer in
            switch judge {
            case .rate: ratio(\.perSecond, to: peer).median
            case .cpu: 1 / ratio(\.cpu, to: peer).median
            }
        }.min()
    }
}

/// The middle and the ends of some figures.
struct Spread: Sendable {
    let median: Double
    let least: Double
    let most: Double

    init(_ values: [Double]) {
        let sorted = values.filter { $0.isFinite }.sorted()
        least = sorted.first ?? .nan
        most = sorted.last ?? .nan
        median = sorted.isEmpty ? .nan : (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
