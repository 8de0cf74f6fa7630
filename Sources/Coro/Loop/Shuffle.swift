// Another order for what has none. Tests put it into a loop to find code that counts on an order nobody promised.
//
// What may change places: the events of different descriptors that one wait brought, and the turns of different tasks
// that are ready side by side. What stays: callbacks, which run in the order they were added and are what observers,
// handlers and generator-style coroutines are run by; timers, which fire by deadline and then by age; and whatever is
// on the other side of a callback, so that "after everything that was added before it" holds for each callback.

/// Draws by which a loop under test puts independent work out of its order.
package final class Shuffle {
    private let draw: (_ below: Int) -> Int

    /// - Parameter draw: returns a number from 0 up to, not including, the one it is given.
    package init(_ draw: @escaping (_ below: Int) -> Int) { self.draw = draw }

    /// Swaps within a range of places until every order was equally likely (Fisher and Yates).
    func disorder(_ places: Range<Int>, swap: (Int, Int) -> Void) {
        guard places.count > 1 else { return }
        for last in places.dropFirst().reversed() {
            let other = places.lowerBound + draw(last - places.lowerBound + 1)
            if other != last { swap(other, last) }
        }
    }

    /// Gives the tasks' turns between two callbacks another order.
    func disorder(_ queue: inout WorkQueue) {
        var works = (0..<queue.count).map { _ in queue.removeFirst() }
        var start = 0
        for index in works.indices where works[index].isCallback {
            disorder(start..<index) { works.swapAt($0, $1) }
            start = index + 1
        }
        disorder(start..<works.count) { works.swapAt($0, $1) }
        queue.append(contentsOf: works)
    }
}

extension Work {
    fileprivate var isCallback: Bool { if case .callback = self { true } else { false } }
}
