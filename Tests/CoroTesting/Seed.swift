// Chance that can be repeated. One seed for the process, from the environment or drawn once, and a generator of our own,
// because the standard library promises no algorithm: a seed noted today must mean the same order on every machine and
// with every compiler.

internal import Coro
internal import Glibc

/// The seed of everything in this process that is left to chance.
///
/// A failing test names it; `CORO_SEED=… swift test --filter …` repeats the test as it was.
public enum Seed {
    /// `CORO_SEED` (decimal, or hexadecimal after `0x`) when it is set, otherwise a number drawn once for the process.
    public static let ofProcess: UInt64 = environment("CORO_SEED") ?? UInt64.random(in: 1...UInt64(UInt32.max))

    /// The number in an environment variable; nil when it is not set.
    static func environment(_ name: String) -> UInt64? {
        guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        guard let seed = parse(value) else {
            preconditionFailure("\(name) must be a number up to 2^64 - 1, not \(value).")
        }
        return seed
    }

    static func parse(_ text: String) -> UInt64? {
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }
}

/// A failure in a test that left something to chance, with what repeats it.
public struct SeededFailure: Error, CustomStringConvertible {
    /// What the body threw, or the fixture found.
    public let failure: any Error
    /// What was drawn, and from which seed.
    public let chances: [String]

    public var description: String { "\(failure) (\(chances.joined(separator: "; ")))" }
}

/// What one test has left to chance so far, for its failures to name.
final class Chances: Sendable {
    @TaskLocal static var current: Chances?

    private let noted = Locked<[String]>([])

    var all: [String] { noted.withLock { $0 } }

    func note(_ what: String, seed: UInt64) {
        let repeated = seed == Seed.ofProcess ? "CORO_SEED=\(seed) repeats it" : "from seed \(seed)"
        noted.withLock { $0.append("\(what), \(repeated)") }
    }
}

/// SplitMix64: the same numbers for the same seed, on every machine.
///
/// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts the sequence of this seed.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`, the same for the same seed with every compiler. (For small bounds
    /// the bias of one multiplication is far below anything a test could see.)
    public mutating func next(below bound: Int) -> Int {
        precondition(bound > 0, "There is no number below \(bound) to draw.")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}
