// Deadlines in order: a heap with four children a node, four-way because that is half as deep as two-way and siblings
// lie side by side. What is compared lies in the heap itself, so moving an entry touches no timer.
//
// In memory of its own: an array would ask at each step whether it is shared.

/// A heap of deadlines, earliest first.
struct TimerHeap: ~Copyable {
    struct Entry {
        let deadline: Int64
        /// When it was armed, counting up: ties fire in the order they were armed.
        let order: UInt64
        /// Where the timer is, in `TimerSlots`.
        let slot: UInt32

        @inline(__always)
        func isBefore(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : order < other.order
        }
    }

    private var entries: UnsafeMutablePointer<Entry>
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 16
        // SAFETY: freed in `deinit`; the first `count` are initialized, and an entry is nothing that must be destroyed.
        entries = .allocate(capacity: capacity)
    }

    deinit { entries.deallocate() }

    var first: Entry? { count > 0 ? entries[0] : nil }
    var last: Entry? { count > 0 ? entries[count - 1] : nil }

    /// The entry in one place of the `count`.
    @inline(__always)
    subscript(index: Int) -> Entry { entries[index] }

    @inline(__always)
    mutating func insert(_ entry: Entry) {
        if count == capacity { grow() }
        count &+= 1
        siftUp(entry, from: count &- 1)
    }

    mutating func removeLast() { count -= 1 }

    mutating func removeAll() { count = 0 }

    /// Takes an entry out; the last one fills the hole, and may belong above or below it.
    mutating func remove(at index: Int) {
        count &-= 1
        guard index < count else { return }
        let last = entries[count]
        if index > 0, last.isBefore(entries[(index - 1) / 4]) {
            siftUp(last, from: index)
        } else {
            siftDown(last, from: index)
        }
    }

    /// Puts an entry where it belongs, in the hole at `start` or above.
    @inline(__always)
    private mutating func siftUp(_ entry: Entry, from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index &- 1) / 4
            guard entry.isBefore(entries[parent]) else { break }
            entries[index] = entries[parent]
            index = parent
        }
        (entries + index).initialize(to: entry)
    }

    /// Puts an entry where it belongs, in the hole at `start` or below.
    private mutating func siftDown(_ entry: Entry, from start: Int) {
        var index = start
        while true {
            let firstChild = index &* 4 &+ 1
            guard firstChild < count else { break }
            var least = firstChild
            var child = firstChild &+ 1
            let end = min(firstChild &+ 4, count)
            while child < end {
                if entries[child].isBefore(entries[least]) { least = child }
                child &+= 1
            }
            guard entries[least].isBefore(entry) else { break }
            entries[index] = entries[least]
            index = least
        }
        entries[index] = entry
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: entries, count: count)
        entries.deallocate()
        entries = larger
        capacity *= 2
    }
}
