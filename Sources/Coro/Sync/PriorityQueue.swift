// The queue that serves the lowest first: a binary heap. Among equals the order of arrival decides, which a heap alone
// does not keep, so each element carries its number.

/// A queue whose lowest element is got first, and among equals the one that came first. In all else a `Queue`.
///
/// - Complexity: O(log n) to put and to get.
public final class PriorityQueue<Element: Comparable & Sendable>: Queue<Element>, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `heap` is touched on the loop's thread only, like the rest of a queue.
    private var heap = Heap<Element>()

    override func insert(_ element: Element) { heap.insert(element) }
    override func removeNext() -> Element { heap.removeLowest() }
}

private struct Heap<Element: Comparable> {
    private struct Entry {
        let element: Element
        let order: UInt64

        func isBefore(_ other: Entry) -> Bool {
            if element < other.element { return true }
            return other.element < element ? false : order < other.order
        }
    }

    private var entries: [Entry] = []
    private var newest: UInt64 = 0

    mutating func insert(_ element: Element) {
        newest += 1
        let entry = Entry(element: element, order: newest)
        entries.append(entry)
        var index = entries.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.isBefore(entries[parent]) else { break }
            entries[index] = entries[parent]
            index = parent
        }
        entries[index] = entry
    }

    /// The heap must not be empty.
    mutating func removeLowest() -> Element {
        let last = entries.removeLast()
        guard let lowest = entries.first else { return last.element }
        // The last entry takes the hole at the top and sinks.
        var index = 0
        while true {
            var child = index * 2 + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].isBefore(entries[child]) { child += 1 }
            guard entries[child].isBefore(last) else { break }
            entries[index] = entries[child]
            index = child
        }
        entries[index] = last
        return lowest.element
    }
}
