// What a network can do to bytes on their way, and a plan of it: which fault comes at which byte of one direction.
//
// A place is a number of bytes and never a time, so that the same plan meets the same bytes however busy the machine is.

/// One thing that becomes of the bytes of one direction of a connection. See `FaultyPath`.
public enum PathFault: Sendable, Equatable, CustomStringConvertible {
    /// From here on each piece comes this much later.
    case delay(Duration)
    /// From here on this many bytes pass in a second.
    case rate(Int)
    /// From here on bytes come in pieces of one up to this many, drawn from the seed.
    case slices(Int)
    /// Nothing comes for this long, and then all of it.
    case stall(Duration)
    /// Nothing comes any more, and nobody is told. Only the path's end, or a reset of the other direction, ends it.
    case silence
    /// The receiver is told that this was the last byte (FIN). What the sender still sends goes nowhere.
    case cut
    /// The connection is broken off in both directions (RST). At most the bytes before this place have come.
    case reset

    public var description: String {
        switch self {
        case .delay(let duration): "delay of \(duration)"
        case .rate(let rate): "\(rate) bytes a second"
        case .slices(let most): "slices of up to \(most) bytes"
        case .stall(let duration): "stall of \(duration)"
        case .silence: "silence"
        case .cut: "cut"
        case .reset: "reset"
        }
    }
}

/// The faults of one direction of a path, each at its byte.
public struct PathPlan: Sendable, CustomStringConvertible {
    struct Entry: Sendable {
        /// How many bytes pass before it.
        let byte: Int
        let fault: PathFault
    }

    private var entries: [Entry] = []
    /// What further faults are drawn from; nil when none are.
    let seed: UInt64?

    private init(seed: UInt64?) { self.seed = seed }

    /// Nothing goes wrong.
    public static var smooth: PathPlan { PathPlan(seed: nil) }

    /// Faults by draws from `seed`, or from `Seed.ofProcess`, which is `CORO_SEED` when that is set; others for each
    /// connection and direction, and the same in each run. One direction in four does not reach its end.
    public static func seeded(_ seed: UInt64? = nil) -> PathPlan { PathPlan(seed: seed ?? Seed.ofProcess) }

    /// The same plan with one more fault, after `byte` bytes have passed.
    public func with(_ fault: PathFault, atByte byte: Int = 0) -> PathPlan {
        precondition(byte >= 0, "A fault cannot come before the first byte; \(byte) is less than 0.")
        switch fault {
        case .rate(let count), .slices(let count):
            precondition(count > 0, "At least one byte must pass at a time; \(count) would be silence.")
        default: break
        }
        var plan = self
        plan.entries.append(Entry(byte: byte, fault: fault))
        return plan
    }

    public var description: String {
        let parts = (seed.map { ["seed \($0)"] } ?? []) + entries.map { "\($0.fault) at byte \($0.byte)" }
        return parts.isEmpty ? "no fault" : parts.joined(separator: ", ")
    }

    /// What becomes of one connection: the faults in the order of their places, and the chance for its slices.
    func course(ofConnection number: Int, isUpstream: Bool) -> (entries: [Entry], chance: SeededGenerator) {
        // Each direction of each connection is a sequence of its own: none depends on how far another has come.
        var chance = SeededGenerator(seed: (seed ?? 0) ^ UInt64(2 * number + (isUpstream ? 0 : 1)) << 40)
        var all = entries
        if seed != nil { all += PathPlan.draw(&chance) }
        // Stable: two faults at one byte come in the order in which they were named.
        let sorted = all.enumerated().sorted { ($0.element.byte, $0.offset) < ($1.element.byte, $1.offset) }
        return (sorted.map(\.element), chance)
    }

    private static func draw(_ chance: inout SeededGenerator) -> [Entry] {
        var drawn: [Entry] = []
        for _ in 0..<chance.next(below: 4) {
            let fault: PathFault =
                switch chance.next(below: 4) {
                case 0: .delay(.milliseconds(1 + chance.next(below: 200)))
                case 1: .rate(1024 << chance.next(below: 11))
                case 2: .slices(1 << chance.next(below: 11))
                default: .stall(.milliseconds(1 + chance.next(below: 5_000)))
                }
            drawn.append(Entry(byte: place(&chance), fault: fault))
        }
        if chance.next(below: 4) == 0 {
            let ends: [PathFault] = [.silence, .cut, .reset]
            drawn.append(Entry(byte: place(&chance), fault: ends[chance.next(below: 3)]))
        }
        return drawn
    }

    /// Any size of message is hit: the first bytes as often as those after a hundred thousand.
    private static func place(_ chance: inout SeededGenerator) -> Int {
        chance.next(below: 1 << chance.next(below: 18))
    }
}
