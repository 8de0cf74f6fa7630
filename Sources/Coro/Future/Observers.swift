// Those who wait for one future. Most futures have exactly one, which needs no array.

struct Observers {
    enum Observer {
        /// Runs in a later iteration. It holds the future, so a future must be settled by whoever owes it: a promise does
        /// when it is dropped.
        case later(() throws -> Void)
        /// Runs at once; schedules only.
        case now(() -> Void)
        /// A sleeping task. It may be awake by now: cancelled, or past its deadline.
        case waiter(Waiter)
    }

    private var first: Observer?
    private var rest: [Observer] = []
    /// How many there may be before those who no longer wait are swept out: a future that lives long, and that many
    /// wait for with a timeout, must not remember them all. Twice what the last sweep left, so it costs O(1) each.
    private var sweepAt = 16

    var isEmpty: Bool { first == nil }
    var count: Int { (first == nil ? 0 : 1) + rest.count }

    mutating func append(_ observer: Observer) {
        if first == nil {
            first = observer
        } else {
            if rest.count >= sweepAt { sweep() }
            rest.append(observer)
        }
    }

    private mutating func sweep() {
        rest.removeAll { observer in
            if case .waiter(let waiter) = observer { waiter.isAwake } else { false }
        }
        sweepAt = max(16, rest.count * 2)
    }

    /// Takes everybody out; `first` is nil when there is nobody.
    mutating func takeAll() -> (first: Observer?, rest: [Observer]) {
        let first = first.take()
        if rest.isEmpty { return (first, []) }
        let rest = self.rest
        self.rest = []
        return (first, rest)
    }
}

extension Observers.Observer {
    /// Calls or wakes the observer, or has the loop do so.
    @inline(__always)
    consuming func release(on loop: EventLoop) {
        switch consume self {
        case .later(let callback): _ = loop.add(.callback(callback))
        case .now(let callback): callback()
        case .waiter(let waiter): waiter.wake(.ready)
        }
    }
}
