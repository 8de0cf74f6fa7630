// In which order a loop under test runs what is ready. The rule of what may change places is `Loop/Shuffle.swift`'s.

internal import Coro

/// The order in which a loop runs work that is ready at the same time.
///
/// A loop runs what is ready in the order it came, and code comes to count on that where nobody promised it. A seeded
/// order changes it, repeatably: tasks that are ready side by side take their turns in any order, and descriptors that
/// became ready together are served in any order. What is promised stays: callbacks run in the order they were added and
/// after what was added before them, observers in the order they were registered, timers by deadline and then by age.
public struct ReadyOrder: Sendable {
    /// What the order is drawn from; nil for the order of arrival.
    public let seed: UInt64?

    /// As it came.
    public static let ofArrival = ReadyOrder(seed: nil)

    /// By draws from `seed`; without one from `Seed.ofProcess`, which is `CORO_SEED` when that is set.
    public static func seeded(_ seed: UInt64? = nil) -> ReadyOrder { ReadyOrder(seed: seed ?? Seed.ofProcess) }

    func apply(to loop: EventLoop) {
        guard let seed else { return }
        var generator = SeededGenerator(seed: seed)
        loop.shuffle = Shuffle { generator.next(below: $0) }
    }
}
