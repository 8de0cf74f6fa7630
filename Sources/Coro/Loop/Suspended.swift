// Who is asleep on a loop: native tasks (`Waiter`) and generator-style coroutines (`Runner`). The list exists for one
// purpose: closing the loop wakes them all, so that no clean-up is ever skipped.

/// Something asleep on a loop.
class Suspended {
    fileprivate var next: Suspended?
    fileprivate unowned(unsafe) var previous: Suspended?

    /// Called when the loop closes: take yourself off the list and end with `LoopError.closed`.
    func loopCloses() {}
}

/// Every sleeper of one loop: a list through the sleepers themselves, which it keeps alive.
struct SuspendedList {
    private var first: Suspended?

    mutating func insert(_ sleeper: Suspended) {
        sleeper.next = first
        first?.previous = sleeper
        first = sleeper
    }

    /// Takes a sleeper off; does nothing when it is not on the list.
    mutating func remove(_ sleeper: Suspended) {
        if let previous = sleeper.previous {
            previous.next = sleeper.next
        } else if first === sleeper {
            first = sleeper.next
        } else {
            return
        }
        sleeper.next?.previous = sleeper.previous
        sleeper.next = nil
        sleeper.previous = nil
    }

    func wakeAll() {
        var sleeper = first
        while let current = sleeper {
            sleeper = current.next
            current.loopCloses()
        }
    }
}
