// Elements in order, added at one end and taken from either: a ring in one block of memory, so that a queue in steady
// state allocates nothing and moves nothing.

/// A growing ring buffer. All operations are O(1), amortized.
///
/// Removing gives an element and not an optional: unspecialized, each optional of a generic type costs a look-up of it.
final class Ring<Element> {
    private var slots: UnsafeMutablePointer<Element>?
    /// A power of two, so that the way round is a mask; zero before the first element.
    private var capacity = 0
    private var head = 0
    private(set) var count = 0

    /// An empty ring of at most this many elements keeps its memory; what a burst needed beyond is given back.
    private static var keptMax: Int { 1024 }

    @inline(__always)
    private func slot(_ index: Int) -> UnsafeMutablePointer<Element> {
        // SAFETY: called only while `capacity` is not zero, and then there is memory.
        slots.unsafelyUnwrapped + ((head &+ index) & (capacity &- 1))
    }

    func append(_ element: Element) {
        if count == capacity { grow() }
        slot(count).initialize(to: element)
        count += 1
    }

    func prepend(_ element: Element) {
        if count == capacity { grow() }
        head = (head &- 1) & (capacity &- 1)
        slot(0).initialize(to: element)
        count += 1
    }

    /// The ring must not be empty.
    func removeFirst() -> Element {
        let element = slot(0).move()
        head = (head &+ 1) & (capacity &- 1)
        count -= 1
        if count == 0 { settle() }
        return element
    }

    /// The ring must not be empty.
    func removeLast() -> Element {
        count -= 1
        let element = slot(count).move()
        if count == 0 { settle() }
        return element
    }

    private func grow() {
        let room = UnsafeMutablePointer<Element>.allocate(capacity: max(4, capacity * 2))
        for index in 0..<count { (room + index).moveInitialize(from: slot(index), count: 1) }
        slots?.deallocate()
        slots = room
        capacity = max(4, capacity * 2)
        head = 0
    }

    private func settle() {
        guard capacity > Ring.keptMax else { return }
        slots?.deallocate()
        slots = nil
        capacity = 0
        head = 0
    }

    deinit {
        for index in 0..<count { slot(index).deinitialize(count: 1) }
        slots?.deallocate()
    }
}
