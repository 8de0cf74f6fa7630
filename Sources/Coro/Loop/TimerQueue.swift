// Deadlines in order: a heap with four children a node, whose timers know their place, so that cancelling is a
// removal and not a search. Four-way, because a cache line holds four children and the tree is half as deep.

/// A callback that runs at an instant.
///
/// Dropping the timer does not cancel it.
public final class LoopTimer: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `index`, `order` and `action` are touched by the loop's thread only; `cancel` from
    // elsewhere is sent there.

    /// When it fires.
    public let deadline: LoopInstant
    fileprivate var action: (() throws -> Void)?
    /// Its place in the heap; −1 when it is not there.
    fileprivate var index = -1
    /// When it was armed, counting up: ties fire in the order they were armed.
    fileprivate var order: UInt64 = 0
    private let loop: EventLoop

    init(loop: EventLoop, deadline: LoopInstant, action: @escaping () throws -> Void) {
        self.loop = loop
        self.deadline = deadline
        self.action = action
    }

    /// Keeps the timer from firing. Does nothing when it has fired; may be called from any thread.
    ///
    /// - Complexity: O(log n) in the number of live timers.
    public func cancel() {
        if loop.isCurrent {
            loop.timers.remove(self)
            action = nil
        } else {
            loop.addCallback { self.cancel() }
        }
    }

    func fire() throws {
        let action = self.action.take()
        try action?()
    }
}

extension EventLoop {
    /// Runs `callback` once, when the loop's clock has reached `deadline`.
    ///
    /// - Runs on: the loop's thread, after the callbacks of the iteration that finds it due. May be called from any
    ///   thread.
    /// - After close: the timer never fires.
    @discardableResult
    public func callAt(
        _ deadline: LoopInstant, file: StaticString = #fileID, line: UInt = #line,
        _ callback: @escaping @Sendable () throws -> Void
    ) -> LoopTimer {
        let timer = LoopTimer(loop: self, deadline: deadline, action: placed(callback, file, line))
        arm(timer)
        return timer
    }

    /// Runs `callback` once, `delay` from now; a delay of zero or less means the next iteration that can.
    @discardableResult
    public func callLater(
        _ delay: Duration, file: StaticString = #fileID, line: UInt = #line,
        _ callback: @escaping @Sendable () throws -> Void
    ) -> LoopTimer {
        callAt(now.advanced(by: delay), file: file, line: line, callback)
    }

    /// Puts a timer in the queue, from any thread.
    func arm(_ timer: LoopTimer) {
        if isCurrent {
            timers.insert(timer)
        } else {
            addCallback { self.timers.insert(timer) }
        }
    }
}

/// The live timers of one loop, earliest first.
struct TimerQueue {
    /// A timer and, beside it, what the heap compares: following the reference would be a cache miss a comparison.
    private struct Entry {
        let deadline: Int64
        let order: UInt64
        let timer: LoopTimer

        @inline(__always)
        func isBefore(_ other: Entry) -> Bool {
            deadline != other.deadline ? deadline < other.deadline : order < other.order
        }
    }

    private var heap: [Entry] = []
    /// The order of the timer armed last.
    private(set) var newest: UInt64 = 0
    /// The time of the latest timer phase. A deadline before it counts as this instant, so that a timer that re-arms
    /// itself in the past queues up behind those that are due instead of starving them.
    private var present = Int64.min

    var isEmpty: Bool { heap.isEmpty }
    var count: Int { heap.count }
    var nextDeadline: Int64? { heap.first?.deadline }

    mutating func insert(_ timer: LoopTimer) {
        // A timer cancelled from another thread before it got here has no action any more.
        guard timer.index < 0, timer.action != nil else { return }
        newest += 1
        timer.order = newest
        let entry = Entry(deadline: max(timer.deadline.nanoseconds, present), order: newest, timer: timer)
        heap.append(entry)
        siftUp(heap.count - 1, entry)
    }

    mutating func remove(_ timer: LoopTimer) {
        let index = timer.index
        guard index >= 0 else { return }
        timer.index = -1
        let last = heap.removeLast()
        guard index < heap.count else { return }
        // The last entry takes the hole; it may belong above or below it.
        if index > 0, last.isBefore(heap[(index - 1) / 4]) {
            siftUp(index, last)
        } else {
            siftDown(index, last)
        }
    }

    /// Begins a timer phase at `now`; returns the order of the timer armed last, where the phase ends.
    mutating func beginPhase(now: Int64) -> UInt64 {
        present = now
        return newest
    }

    /// Takes the earliest timer if it is due and was armed no later than `armedUpTo`.
    mutating func popDue(now: Int64, armedUpTo: UInt64) -> LoopTimer? {
        guard let first = heap.first, first.deadline <= now, first.order <= armedUpTo else { return nil }
        remove(first.timer)
        return first.timer
    }

    /// Empties the queue and returns what the timers would have done, for the caller to let go of: that may run
    /// anybody's `deinit`, which may cancel other timers, and then this queue must be free for it.
    mutating func takeAll() -> [() throws -> Void] {
        let all = heap
        heap = []
        return all.compactMap { entry in
            entry.timer.index = -1
            return entry.timer.action.take()
        }
    }

    private mutating func place(_ entry: Entry, _ index: Int) {
        heap[index] = entry
        entry.timer.index = index
    }

    private mutating func siftUp(_ start: Int, _ entry: Entry) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 4
            guard entry.isBefore(heap[parent]) else { break }
            place(heap[parent], index)
            index = parent
        }
        place(entry, index)
    }

    private mutating func siftDown(_ start: Int, _ entry: Entry) {
        var index = start
        while true {
            let firstChild = index * 4 + 1
            guard firstChild < heap.count else { break }
            var least = firstChild
            for child in (firstChild + 1)..<min(firstChild + 4, heap.count) where child > firstChild {
                if heap[child].isBefore(heap[least]) { least = child }
            }
            guard heap[least].isBefore(entry) else { break }
            place(heap[least], index)
            index = least
        }
        place(entry, index)
    }
}
