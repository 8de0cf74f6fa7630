// Tasks in line. Locks, events, queues and channels differ in what they hand over; how their tasks wait, first come,
// first served, is here.
//
// The line goes through the waiting tasks' own places, so whoever is cancelled or times out leaves it at that moment, in
// constant time, wherever he stands: whoever is in line does wait, and nothing is ever swept. And whoever is taken from
// the line is woken for good: a cancel that comes in the same iteration finds him awake. So what was handed over to him
// is his, and what was not, he never had.

/// One task's place in a line.
class Place {
    /// Where its task sleeps, and is woken.
    final let loop: EventLoop
    /// Set before the place joins a line, and not changed from then on.
    final var waiter: Waiter?
    fileprivate final var next: Place?
    fileprivate final unowned(unsafe) var previous: Place?

    init(on loop: EventLoop) { self.loop = loop }

    /// Lets the task run on. After the place was taken from its line; any thread.
    final func wake() {
        guard let waiter else { return }
        if loop.isCurrent { waiter.wake(.ready) } else { loop.addCallback { waiter.wake(.ready) } }
    }
}

/// The place of a task that brings an element, or comes for one. Whether it was served shows: the first has its element
/// no more, the other has one.
final class Slot<Element>: Place {
    var element: Element?

    init(_ element: Element? = nil, on loop: EventLoop) {
        self.element = element
        super.init(on: loop)
    }
}

/// Places in order of arrival. Every operation is O(1).
struct Line {
    private var first: Place?
    private unowned(unsafe) var last: Place?
    private(set) var count = 0

    @inline(__always)
    var isEmpty: Bool { first == nil }

    mutating func append(_ place: Place) {
        place.previous = last
        if let last { last.next = place } else { first = place }
        last = place
        count += 1
    }

    mutating func takeFirst() -> Place? {
        guard let place = first else { return nil }
        remove(place)
        return place
    }

    /// Takes a place out of the middle; does nothing when it is not in line.
    mutating func remove(_ place: Place) {
        guard place.previous != nil || first === place else { return }
        if let next = place.next { next.previous = place.previous } else { last = place.previous }
        if let previous = place.previous { previous.next = place.next } else { first = place.next }
        place.next = nil
        place.previous = nil
        count -= 1
    }
}

/// The line of those who wait for one thing on one loop.
final class WaitQueue: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `line` is touched on the loop's thread only.

    let loop: EventLoop
    /// (No access to it calls out, so the run-time exclusivity check could only ever pass.)
    @exclusivity(unchecked) private var line = Line()

    init(on loop: EventLoop) { self.loop = loop }

    /// How many wait. Loop's thread.
    var count: Int { line.count }
    var isEmpty: Bool { line.isEmpty }

    /// Suspends the task until its place is taken from the line and woken.
    ///
    /// May be called on any thread. `isServed` is asked on the loop's thread first; when it says yes, nobody stands in
    /// line. It takes what is there, so it is not asked for a task that was cancelled on its way here.
    ///
    /// - Throws: what `park` throws. A deadline that has passed already throws at once.
    func wait(
        at place: Place, until deadline: LoopInstant? = nil, unless isServed: @escaping () -> Bool
    ) async throws {
        let outer = Deadline.current
        let bound = deadline.map { min($0, outer ?? $0) } ?? outer
        try await park(on: loop, deadline: deadline) { waiter in
            guard !waiter.isAwake else { return }
            if isServed() { return waiter.wake(.ready) }
            // Its timer would fire in this iteration or the next, and something might be handed over before.
            if let bound, bound <= self.loop.now { return waiter.wake(.timedOut) }
            place.waiter = waiter
            self.line.append(place)
            waiter.whenWoken { self.line.remove(place) }
        }
    }

    /// Takes out whoever came first, to be served and woken. Loop's thread.
    @inline(__always)
    func takeFirst() -> Place? { line.isEmpty ? nil : line.takeFirst() }

    /// Wakes the first `count`, in order. Loop's thread.
    func wake(_ count: Int) {
        var left = count
        while left > 0, let place = line.takeFirst() {
            place.wake()
            left -= 1
        }
    }

    /// Wakes all who are in line now, in order. Loop's thread.
    func wakeAll() { wake(line.count) }

    /// Runs `body` now on the loop's thread, or sends it there: a failure is then reported, since nobody can catch it.
    /// A closed loop drops it.
    @inline(__always)
    func onLoop<Failure: Error>(_ body: @escaping @Sendable () throws(Failure) -> Void) throws(Failure) {
        if loop.isCurrent { try body() } else { loop.addCallback { try body() } }
    }
}
