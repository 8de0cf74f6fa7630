// Fairness between the tasks of a loop, where one of them might go on for ever: a peer that is always ready never makes
// it wait, and whoever does not wait keeps the loop.

/// What a task may still move before the others on its loop have their turn, in bytes.
package struct Quantum {
    private let size: Int
    /// How much of it there is; below 1 it is the others' turn.
    package private(set) var left: Int

    package init(bytes: Int) {
        size = bytes
        left = bytes
    }

    /// Notes that so many bytes have been moved.
    package mutating func spend(_ bytes: Int) { left -= bytes }

    /// The others have had their turn, because this task has waited.
    package mutating func renew() { left = size }

    /// True when all of it is spent: now let the others have their turn (`EventLoop.moment()`), for here is a new one. (It does
    /// not wait itself: what two tasks share must not be held while one of them does.)
    package mutating func renewIfSpent() -> Bool {
        guard left <= 0 else { return false }
        renew()
        return true
    }
}
