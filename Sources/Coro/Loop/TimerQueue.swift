// Deadlines in order: a heap with four children a node, four-way because that is half as deep as two-way and siblings
// lie side by side. What is compared lies in the heap itself, so moving an entry touches no timer.
//
// A cancelled timer stays where it is, marked. Most timers are timeouts and most timeouts are cancelled, so taking each
// out of the middle would be the queue's main work; a mark is one store. The marked ones go when they come up, and by a
// sweep that goes on a few entries with each cancel: they cost O(1) each, hardly ever outnumber the living, and never
// stop the loop for a great clean-up.

/// The live timers of one loop, earliest first.
struct TimerQueue: ~Copyable {
    private struct Entry {
        let deadline: Int64
        /// When it was armed, counting up: ties fire in the order they were armed.
        let order: UInt64
        // SAFETY: retained at `insert` and released once, with the entry (`bury`, `popDue`, `takeAll`, `deinit`). A strong
        // reference would be retained and released at every step of a sift.
        let timer: Unmanaged<LoopTimer>

        @inline(__always)
        func isBefore(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : order < other.order
        }

        @inline(__always)
        var isDead: Bool { timer._withUnsafeGuaranteedRef { $0.state != .armed } }
    }

    private var heap: [Entry] = []
    /// How many entries of the heap are of cancelled timers.
    private var dead = 0
    /// The order of the timer armed last.
    private var newest: UInt64 = 0
    /// The time of the latest timer phase. A deadline before it counts as this instant, so that a timer that re-arms
    /// itself in the past queues up behind those that are due instead of starving them.
    private var present = Int64.min

    /// The entries that the sweep has yet to look at are those before this one; it goes from the end to the beginning.
    private var unswept = 0

    /// Fewer cancelled timers than this are not worth a sweep.
    private static let sweepMin = 256
    /// How many entries one cancel looks at, once one in so many is dead. A quarter may be dead when a pass begins, and
    /// it ends a quarter of the entries' cancels later: so about half of them are dead at most.
    private static let sweepStep = 4

    deinit {
        for entry in heap { entry.timer.release() }
    }

    var isEmpty: Bool { heap.count == dead }
    /// How many may still fire.
    var count: Int { heap.count - dead }
    /// How many places are taken, by cancelled ones too.
    var occupied: Int { heap.count }

    /// The earliest deadline of a timer that may still fire.
    var nextDeadline: Int64? {
        mutating get {
            dropDeadFirst()
            return heap.first?.deadline
        }
    }

    mutating func insert(_ timer: LoopTimer) {
        // One that was cancelled by the loop before it got here from another thread is over already.
        guard timer.state == .new else { return }
        timer.state = .armed
        newest &+= 1
        let deadline = max(timer.deadline.nanoseconds, present)
        heap.append(Entry(deadline: deadline, order: newest, timer: .passRetained(timer)))
        siftUp(heap.count - 1)
    }

    /// Keeps a timer from firing.
    mutating func remove(_ timer: LoopTimer) {
        let wasArmed = timer.state == .armed
        timer.state = .over
        guard wasArmed else { return }
        dead += 1
        // Armed and soon cancelled, which is what timeouts of equal length are: still the last, and gone at once.
        while let last = heap.last, last.isDead {
            heap.removeLast()
            bury(last)
        }
        if dead >= TimerQueue.sweepMin, dead > heap.count / TimerQueue.sweepStep { sweep() }
    }

    /// Begins a timer phase at `now`; returns the order of the timer armed last, where the phase ends.
    mutating func beginPhase(now: Int64) -> UInt64 {
        present = now
        return newest
    }

    /// Takes the earliest timer if it is due and was armed no later than `armedUpTo`.
    mutating func popDue(now: Int64, armedUpTo: UInt64) -> LoopTimer? {
        dropDeadFirst()
        guard let first = heap.first, first.deadline <= now, first.order <= armedUpTo else { return nil }
        remove(at: 0)
        let timer = first.timer.takeRetainedValue()
        timer.state = .over
        return timer
    }

    /// Empties the queue and returns the timers that would have fired, for the caller to let go of: that may run
    /// anybody's `deinit`, which may cancel other timers, and then this queue must be free for it.
    mutating func takeAll() -> [LoopTimer] {
        var all: [Entry] = []
        swap(&heap, &all)
        dead = 0
        return all.compactMap { entry in
            let timer = entry.timer.takeRetainedValue()
            guard timer.state == .armed else { return nil }
            timer.state = .over
            return timer
        }
    }

    // MARK: The dead

    @inline(__always)
    private mutating func dropDeadFirst() {
        while dead > 0, let first = heap.first, first.isDead {
            remove(at: 0)
            bury(first)
        }
    }

    /// Looks at the next entries, and takes out those of cancelled timers.
    private mutating func sweep() {
        for _ in 0..<TimerQueue.sweepStep {
            if unswept == 0 || unswept > heap.count { unswept = heap.count }
            guard unswept > 0 else { return }
            unswept -= 1
            let entry = heap[unswept]
            guard entry.isDead else { continue }
            remove(at: unswept)
            bury(entry)
        }
    }

    /// Lets go of a cancelled timer whose entry is out.
    @inline(__always)
    private mutating func bury(_ entry: Entry) {
        dead -= 1
        entry.timer.release()
    }

    // MARK: The heap

    /// Takes an entry out; the last one fills the hole, and may belong above or below it.
    private mutating func remove(at index: Int) {
        let last = heap.removeLast()
        guard index < heap.count else { return }
        heap[index] = last
        if index > 0, last.isBefore(heap[(index - 1) / 4]) { siftUp(index) } else { siftDown(index) }
    }

    @inline(__always)
    private mutating func siftUp(_ start: Int) {
        heap.withUnsafeMutableBufferPointer { heap in
            let entry = heap[start]
            var index = start
            while index > 0 {
                let parent = (index - 1) / 4
                guard entry.isBefore(heap[parent]) else { break }
                heap[index] = heap[parent]
                index = parent
            }
            heap[index] = entry
        }
    }

    private mutating func siftDown(_ start: Int) {
        heap.withUnsafeMutableBufferPointer { heap in
            let entry = heap[start]
            var index = start
            while true {
                let firstChild = index * 4 + 1
                guard firstChild < heap.count else { break }
                var least = firstChild
                for child in (firstChild + 1)..<min(firstChild + 4, heap.count) {
                    if heap[child].isBefore(heap[least]) { least = child }
                }
                guard heap[least].isBefore(entry) else { break }
                heap[index] = heap[least]
                index = least
            }
            heap[index] = entry
        }
    }
}
