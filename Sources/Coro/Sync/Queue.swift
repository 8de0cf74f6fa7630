// Elements from task to task on one loop, with back-pressure.
//
// Three lines, of which two are always empty for a reason: nobody waits to get while there is an element, and nobody
// waits to put while there is room. Each operation keeps that true by serving the other side's first in the same step: an
// element goes straight to the getter who waits, and the room that a get makes goes to the putter who waits.

internal import Synchronization

/// Elements between tasks of one loop: first in, first out, bounded or not.
///
/// ```swift
/// let jobs = Queue<Job>(on: loop, capacity: 100)
/// loop.spawn { for try await job in jobs { … } }
/// try await jobs.put(job)
/// jobs.close()
/// ```
///
/// `for try await` takes elements until the queue is closed and empty. Several tasks may get and put; each is served in
/// the order it came.
///
/// - Runs on: its loop. `put`, `get` and `join` may be awaited on any thread; `close` and `taskDone` from another thread
///   are sent to the loop. After the loop's close waiting throws.
public class Queue<Element: Sendable>: AsyncSequence, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): the counts are atomic, and written on the loop's thread only. All else that changes is
    // touched on the loop's thread only.

    /// How many elements the queue may hold; nil when as many as come.
    public let capacity: Int?
    let getters: WaitQueue
    let putters: WaitQueue
    let joiners: WaitQueue
    let ring = Ring<Element>()
    private let limit: Int
    private let stored = Atomic<Int>(0)
    private let unfinished = Atomic<Int>(0)
    private let closed = Atomic<Bool>(false)

    /// Makes an empty queue.
    ///
    /// - Parameter capacity: how many elements it may hold, one or more, before `put` waits; nil for no bound.
    public init(on loop: EventLoop, capacity: Int? = nil) {
        precondition(capacity ?? 1 > 0, "A queue's capacity must be positive, or nil for no bound.")
        self.capacity = capacity
        limit = capacity ?? .max
        getters = WaitQueue(on: loop)
        putters = WaitQueue(on: loop)
        joiners = WaitQueue(on: loop)
    }

    // MARK: Order

    // What a kind of queue decides: where an element goes, and which of those it holds comes next.

    func insert(_ element: Element) { ring.append(element) }
    func removeNext() -> Element { ring.removeFirst() }

    // MARK: Looking

    /// The loop it belongs to.
    public final var loop: EventLoop { getters.loop }

    /// How many elements it holds. On another thread: how many it held a moment ago.
    public final var count: Int { stored.load(ordering: .relaxed) }

    /// How many elements were put and not reported by `taskDone` yet. On another thread: a moment ago.
    public final var unfinishedCount: Int { unfinished.load(ordering: .relaxed) }

    /// Whether `close` was called. Any thread; there may still be elements.
    public final var isClosed: Bool { closed.load(ordering: .acquiring) }

    // MARK: Putting

    /// Adds an element; suspends only while the queue is full.
    ///
    /// - Throws: `SyncError.closed` when the queue is, or is closed meanwhile; `CancellationError`; `TimeoutError` past the
    ///   task's deadline; `LoopError.closed`. The element was not added then, and never will be.
    public final func put(_ element: Element) async throws {
        if loop.isCurrent, try tryPut(element) { return }
        let slot = Slot(element, on: loop)
        try await putters.wait(at: slot) {
            if self.isClosed { return true }
            guard self.offer(element) else { return false }
            slot.element = nil
            return true
        }
        // Woken, but not of the element: the queue was closed.
        if slot.element != nil { throw SyncError.closed }
    }

    /// Adds an element if there is room; false when the queue is full.
    ///
    /// - Throws: `SyncError.closed`; `SyncError.wrongThread` off the loop.
    public final func tryPut(_ element: Element) throws(SyncError) -> Bool {
        guard loop.isCurrent else { throw .wrongThread }
        guard !isClosed else { throw .closed }
        return offer(element)
    }

    /// Hands the element to the first getter, or stores it; false when there is neither. Loop's thread.
    private func offer(_ element: Element) -> Bool {
        if let getter = getters.takeFirst() {
            unsafeDowncast(getter, to: Slot<Element>.self).element = element
            getter.wake()
        } else {
            guard count < limit else { return false }
            store(element)
        }
        unfinished.store(unfinishedCount + 1, ordering: .relaxed)
        return true
    }

    private func store(_ element: Element) {
        insert(element)
        stored.store(count + 1, ordering: .relaxed)
    }

    // MARK: Getting

    /// Takes the next element; suspends only while there is none. Nil when the queue is closed and empty.
    ///
    /// - Throws: `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed`. No element was taken then.
    public final func get() async throws -> Element? {
        if loop.isCurrent {
            if count > 0 { return take() }
            if isClosed { return nil }
        }
        let slot = Slot<Element>(on: loop)
        try await getters.wait(at: slot) {
            guard self.count > 0 else { return self.isClosed }
            slot.element = self.take()
            return true
        }
        return slot.element
    }

    /// Takes the next element if there is one; nil when the queue is empty.
    ///
    /// - Throws: `SyncError.wrongThread` off the loop.
    public final func tryGet() throws(SyncError) -> Element? {
        guard loop.isCurrent else { throw .wrongThread }
        return count > 0 ? take() : nil
    }

    /// Takes the next element, which must be there, and lets the first putter fill the room. Loop's thread.
    private func take() -> Element {
        let element = removeNext()
        stored.store(count - 1, ordering: .relaxed)
        if let putter = putters.takeFirst() {
            if let waiting = unsafeDowncast(putter, to: Slot<Element>.self).element.take() {
                store(waiting)
                unfinished.store(unfinishedCount + 1, ordering: .relaxed)
            }
            putter.wake()
        }
        return element
    }

    // MARK: Joining

    /// Says that the work on an element that was got is done; the last one releases `join`.
    ///
    /// From another thread it is sent to the loop, and a failure is reported there.
    ///
    /// - Throws: `SyncError.noUnfinishedTask` when it was called for every element before.
    public final func taskDone() throws(SyncError) {
        guard loop.isCurrent else {
            loop.addCallback { try self.taskDone() }
            return
        }
        let left = unfinishedCount - 1
        guard left >= 0 else { throw .noUnfinishedTask }
        unfinished.store(left, ordering: .relaxed)
        if left == 0 { joiners.wakeAll() }
    }

    /// Suspends until `taskDone` was called for every element that was put; not when none is unfinished. Works on a
    /// closed queue as well.
    ///
    /// - Throws: `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed`.
    public final func join() async throws {
        if loop.isCurrent, unfinishedCount == 0 { return }
        try await joiners.wait(at: Place(on: loop)) { self.unfinishedCount == 0 }
    }

    // MARK: Closing

    /// Ends the queue: what it holds may still be got, and nothing more is put.
    ///
    /// Tasks that wait to put are woken and throw `SyncError.closed`; tasks that wait to get are woken and have nil. A
    /// second call does nothing. From another thread it is sent to the loop.
    public final func close() {
        getters.onLoop {
            guard !self.isClosed else { return }
            self.closed.store(true, ordering: .releasing)
            self.getters.wakeAll()
            self.putters.wakeAll()
        }
    }

    // MARK: AsyncSequence

    public final func makeAsyncIterator() -> Iterator { Iterator(queue: self) }

    /// Takes one element after the other from its queue; all iterators of a queue share its elements.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let queue: Queue<Element>

        public mutating func next() async throws -> Element? { try await queue.get() }
    }
}
