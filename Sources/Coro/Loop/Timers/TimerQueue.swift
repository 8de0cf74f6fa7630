// Which timer is next: the deadlines in a heap, the timers in slots beside it.
//
// A cancelled timer leaves its slot at once and its entry in the heap. Most timers are timeouts and most timeouts are
// cancelled, so taking each entry out of the middle would be the queue's main work; emptying a slot is one store. The dead
// entries go when they come up, and by a sweep that goes on a few entries with each cancel: they cost O(1) each, hardly ever
// outnumber the living, and never stop the loop for a great clean-up.

/// The live timers of one loop, earliest first.
struct TimerQueue: ~Copyable {
    private var heap = TimerHeap()
    private var slots = TimerSlots()
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
        for index in 0..<heap.count { slots[heap[index].slot]?.release() }
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
        timer.slot = slots.insert(timer)
        newest &+= 1
        let deadline = max(timer.deadline.nanoseconds, present)
        heap.insert(TimerHeap.Entry(deadline: deadline, order: newest, slot: timer.slot))
    }

    /// Keeps a timer from firing.
    mutating func remove(_ timer: LoopTimer) {
        let wasArmed = timer.state == .armed
        timer.state = .over
        guard wasArmed else { return }
        // (The caller has a reference of its own.)
        slots.take(timer.slot)?.release()
        dead &+= 1
        // Armed and soon cancelled, which is what timeouts of equal length are: still the last, and gone at once.
        while let last = heap.last, slots.isEmpty(last.slot) {
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
        heap.remove(at: 0)
        let timer = slots.take(first.slot)?.takeRetainedValue()
        slots.free(first.slot)
        timer?.state = .over
        return timer
    }

    /// Empties the queue and returns the timers that would have fired, for the caller to let go of: that may run
    /// anybody's `deinit`, which may cancel other timers, and then this queue must be free for it.
    mutating func takeAll() -> [LoopTimer] {
        var all: [LoopTimer] = []
        all.reserveCapacity(count)
        for index in 0..<heap.count {
            let slot = heap[index].slot
            if let timer = slots.take(slot)?.takeRetainedValue() {
                timer.state = .over
                all.append(timer)
            }
            slots.free(slot)
        }
        heap.removeAll()
        dead = 0
        return all
    }

    // MARK: The dead

    @inline(__always)
    private mutating func dropDeadFirst() {
        while dead > 0, let first = heap.first, slots.isEmpty(first.slot) {
            heap.remove(at: 0)
            bury(first)
        }
    }

    /// Looks at the next entries, and takes out those of cancelled timers.
    private mutating func sweep() {
        for _ in 0..<TimerQueue.sweepStep {
            if unswept == 0 || unswept > heap.count { unswept = heap.count }
            guard unswept > 0 else { return }
            unswept &-= 1
            let entry = heap[unswept]
            guard slots.isEmpty(entry.slot) else { continue }
            heap.remove(at: unswept)
            bury(entry)
        }
    }

    /// Forgets a cancelled timer whose entry is out.
    @inline(__always)
    private mutating func bury(_ entry: TimerHeap.Entry) {
        dead &-= 1
        slots.free(entry.slot)
    }
}
