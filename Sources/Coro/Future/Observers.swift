// Those who wait for one future. Most futures have exactly one, which stands in the future itself; the others share an
// object that is made for the second.

struct Observers {
    enum Observer {
        /// Is called with the future in a later iteration. It need not hold the future: whoever owes the result does.
        case later((AnyFuture) throws -> Void)
        /// Runs at once; schedules only.
        case now(() -> Void)
        /// A sleeping task. It may be awake by now: cancelled, or past its deadline.
        case waiter(Waiter)
    }

    /// All but the first.
    final class Rest {
        @exclusivity(unchecked) fileprivate(set) var all: [Observer] = []
        /// How many there may be before those who no longer wait are swept out: a future that lives long, and that many
        /// wait for with a timeout, must not remember them all. Twice what the last sweep left, so it costs O(1) each.
        private var sweepAt = 16

        fileprivate func append(_ observer: consuming Observer) {
            if all.count >= sweepAt { sweep() }
            all.append(observer)
        }

        private func sweep() {
            all.removeAll { observer in
                if case .waiter(let waiter) = observer { waiter.isAwake } else { false }
            }
            sweepAt = max(16, all.count * 2)
        }
    }

    var rest: Rest?
    var first: Observer?

    var count: Int { (first == nil ? 0 : 1) + (rest?.all.count ?? 0) }

    /// Whether there is one, and it runs in a later iteration.
    @inline(__always)
    var isOneLater: Bool { rest == nil && isFirstLater }

    /// Whether the first is one that runs in a later iteration.
    @inline(__always)
    var isFirstLater: Bool { if case .later? = first { true } else { false } }

    @inline(__always)
    mutating func append(_ observer: consuming Observer) {
        if first == nil { first = observer } else { appendToRest(observer) }
    }

    @inline(never)
    private mutating func appendToRest(_ observer: consuming Observer) {
        let rest = rest ?? Rest()
        self.rest = rest
        rest.append(observer)
    }
}

extension Observers.Observer {
    /// Calls or wakes the observer, or has the loop call it with `future`, which is done. Loop's thread.
    @inline(__always)
    consuming func release(by future: AnyFuture) {
        switch consume self {
        case .later(let observer): future.loop.ready.append(.callback { try observer(future) })
        case .now(let callback): callback()
        case .waiter(let waiter): waiter.wake(.ready)
        }
    }
}
