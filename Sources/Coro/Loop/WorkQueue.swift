// Ready work in order of arrival: a ring whose places are moved into and out of, so that a unit of work is never copied,
// and a loop in steady state never allocates.

/// One unit of the callback phase.
enum Work: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): a callback that is not @Sendable is added only on the loop's own thread, by this
    // module; what crosses threads came in through `addCallback`, which demands @Sendable, or is a Swift job.
    case job(UnownedJob)
    /// A task that gave up its turn.
    case resume(UnsafeContinuation<Void, Never>)
    case callback(() throws -> Void)
}

/// The loop's queue of ready work.
struct WorkQueue {
    private var places: UnsafeMutablePointer<Work>
    /// A power of two, so that an index wraps by masking.
    private var capacity: Int
    private var head = 0
    private(set) var count = 0

    init() {
        capacity = 64
        // SAFETY: freed in `free`; what stands in it is initialized from `head` on, `count` places round the ring.
        places = .allocate(capacity: capacity)
    }

    var isEmpty: Bool { count == 0 }

    @inline(__always)
    mutating func append(_ work: consuming Work) {
        if count == capacity { grow() }
        (places + ((head &+ count) & (capacity &- 1))).initialize(to: work)
        count &+= 1
    }

    /// Takes the oldest out. The queue must not be empty.
    @inline(__always)
    mutating func removeFirst() -> Work {
        let work = (places + head).move()
        head = (head &+ 1) & (capacity &- 1)
        count &-= 1
        return work
    }

    mutating func append(contentsOf more: [Work]) {
        for work in more { append(work) }
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Work>.allocate(capacity: capacity * 2)
        let tail = capacity - head
        larger.moveInitialize(from: places + head, count: tail)
        (larger + tail).moveInitialize(from: places, count: head)
        places.deallocate()
        places = larger
        head = 0
        capacity *= 2
    }

    /// Drops what is left and frees the room. The last call.
    mutating func free() {
        while count > 0 { _ = removeFirst() }
        places.deallocate()
    }
}
