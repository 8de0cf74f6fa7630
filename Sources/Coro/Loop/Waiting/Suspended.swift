// Who is asleep on a loop: native tasks (`Waiter`) and generator-style coroutines (`Runner`). The list exists for one
// purpose: closing the loop wakes them all, so that no clean-up is ever skipped.

/// Something asleep on a loop.
class Suspended {
    @exclusivity(unchecked) fileprivate final unowned(unsafe) var next: Suspended?
    @exclusivity(unchecked) fileprivate final unowned(unsafe) var previous: Suspended?
    @exclusivity(unchecked) fileprivate final var isListed = false
    /// What it waits for, in a word or two, and where that was made if it is known: for those who ask who hangs where.
    @exclusivity(unchecked) final var reason: StaticString = "waiting"
    @exclusivity(unchecked) final var place: SourcePlace?
    /// Since when, in nanoseconds of the loop's clock.
    @exclusivity(unchecked) final var since: Int64 = 0

    /// Called when the loop closes: take yourself off the list and end with `LoopError.closed`.
    func loopCloses() {}
}

/// Every sleeper of one loop: a list through the sleepers themselves, which it keeps alive.
struct SuspendedList {
    private unowned(unsafe) var first: Suspended?

    mutating func insert(_ sleeper: Suspended) {
        // SAFETY: one reference for the whole stay, given back in `remove`; the links carry none, which spares four atomic
        // operations a sleep.
        _ = Unmanaged.passRetained(sleeper)
        sleeper.isListed = true
        sleeper.next = first
        first?.previous = sleeper
        first = sleeper
    }

    /// Takes a sleeper off; does nothing when it is not on the list.
    mutating func remove(_ sleeper: Suspended) {
        guard sleeper.isListed else { return }
        sleeper.isListed = false
        if let previous = sleeper.previous { previous.next = sleeper.next } else { first = sleeper.next }
        sleeper.next?.previous = sleeper.previous
        sleeper.next = nil
        sleeper.previous = nil
        // SAFETY: the reference that `insert` took; the caller has one of its own.
        Unmanaged.passUnretained(sleeper).release()
    }

    /// Calls `body` with each, the one that fell asleep last first. `body` may take that one off, and no other.
    func forEach(_ body: (Suspended) -> Void) {
        var sleeper = first
        while let current = sleeper {
            sleeper = current.next
            body(current)
        }
    }

    func wakeAll() {
        forEach { $0.loopCloses() }
    }
}
