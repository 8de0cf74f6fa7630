// Owns the epoll instance and the table of who waits for which descriptor.
//
// epoll keeps its interest by open file description, not by descriptor number. When a descriptor is closed and its
// number reused within one batch of events, an event of the old one can still be in the array that epoll_wait
// filled, or even arrive later if the description lives on in a duplicate. So every registration has a generation,
// the generation travels with the descriptor in epoll's 64 bits, and an event whose generation is not the present
// one is dropped. The rule of this file: nothing is delivered unless the token matches.

internal import CLoop

/// The interest sets this module registers with.
enum Interest {
    /// To be told once each time there is something new to take: the waker, a listener, a signalfd.
    static let taking = UInt32(CLOOP_READABLE) | UInt32(CLOOP_EDGE_TRIGGERED)
    /// Everything, edge-triggered: one epoll_ctl for the life of a connection.
    static let stream =
        UInt32(CLOOP_READABLE) | UInt32(CLOOP_URGENT) | UInt32(CLOOP_WRITABLE) | UInt32(CLOOP_PEER_CLOSED)
        | UInt32(CLOOP_EDGE_TRIGGERED)
}

struct Poller {
    private struct Slot {
        var generation: UInt32 = 0
        var registration: (any Registration)?
    }

    private var descriptor: Int32
    /// Indexed by descriptor: the kernel hands out the lowest free number, so the table stays dense.
    private var slots: [Slot] = []
    private let events: UnsafeMutablePointer<cloop_event>
    /// One wait takes at most this many events; more stay queued in the kernel for the next.
    private static let capacity = 512

    init() throws(IOError) {
        descriptor = try IOError.check(cloop_poller_open(), "epoll_create1")
        // SAFETY: freed in `close`, which the loop calls exactly once.
        events = .allocate(capacity: Poller.capacity)
    }

    /// There are never more registrations than this.
    var slotCount: Int { slots.count }

    /// True once the epoll instance is closed: every registration is refused.
    private var isClosed: Bool { descriptor < 0 }

    mutating func close() {
        guard !isClosed else { return }
        Descriptor.close(descriptor)
        descriptor = -1
        events.deallocate()
    }

    // MARK: Registering

    /// Adds a descriptor that has no registration (the waker).
    func add(_ descriptor: Int32, interest: UInt32, token: UInt64) throws(IOError) {
        try IOError.check(cloop_poller_add(self.descriptor, descriptor, interest, token), "epoll_ctl")
    }

    mutating func register(_ registration: any Registration, interest: UInt32) throws(IOError) {
        guard !isClosed else { throw IOError(call: "epoll_ctl", code: IOError.badDescriptor) }
        let index = Int(registration.descriptor)
        guard index >= 0 else { throw IOError(call: "epoll_ctl", code: IOError.badDescriptor) }
        if index >= slots.count {
            slots.append(contentsOf: repeatElement(Slot(), count: max(64, index + 1 - slots.count, slots.count / 2)))
        }
        guard slots[index].registration == nil else { throw IOError(call: "epoll_ctl", code: IOError.exists) }
        let generation = slots[index].generation &+ 1
        let token = Poller.token(registration.descriptor, generation)
        try IOError.check(cloop_poller_add(descriptor, registration.descriptor, interest, token), "epoll_ctl")
        slots[index] = Slot(generation: generation, registration: registration)
    }

    func modify(_ registration: any Registration, interest: UInt32) throws(IOError) {
        let index = Int(registration.descriptor)
        guard holds(registration) else { return }
        let token = Poller.token(registration.descriptor, slots[index].generation)
        try IOError.check(cloop_poller_modify(descriptor, registration.descriptor, interest, token), "epoll_ctl")
    }

    /// Forgets a registration. Its descriptor must still be open; events of it that are already fetched are dropped.
    mutating func unregister(_ registration: any Registration) {
        guard holds(registration) else { return }
        slots[Int(registration.descriptor)].registration = nil
        // The result does not matter: a descriptor that is closed already has left the epoll set by itself.
        _ = cloop_poller_remove(descriptor, registration.descriptor)
    }

    /// Forgets a registration whose descriptor is about to be closed: the kernel then drops it by itself (epoll(7)), and
    /// a system call is saved for every connection that ends.
    mutating func forget(_ registration: any Registration) {
        guard holds(registration) else { return }
        slots[Int(registration.descriptor)].registration = nil
    }

    func registration(for descriptor: Int32) -> (any Registration)? {
        slots.indices.contains(Int(descriptor)) ? slots[Int(descriptor)].registration : nil
    }

    /// How many descriptors are registered. O(their highest number).
    var registrationCount: Int { slots.count { $0.registration != nil } }

    func holds(_ registration: any Registration) -> Bool {
        self.registration(for: registration.descriptor) === registration
    }

    private static func token(_ descriptor: Int32, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
    }

    // MARK: Waiting

    /// Waits up to `timeout` nanoseconds (< 0: for ever) and returns how many events there are to `deliver`.
    func wait(timeout: Int64) -> Int {
        // A failure here can only be a descriptor closed behind our back or a kernel out of memory; there is
        // nobody to tell but the next iteration, which will find no events.
        max(0, Int(cloop_poller_wait(descriptor, events, Int32(Poller.capacity), timeout)))
    }

    /// The event at `index` and whom it is for; nil when that registration has gone meanwhile.
    ///
    /// It is the caller who delivers: the receiver registers and unregisters, and this table must be free for it.
    func event(_ index: Int) -> (registration: any Registration, readiness: Readiness)? {
        let event = events[index]
        let slot = Int(event.token_low)
        guard slot < slots.count, slots[slot].generation == event.token_high,
            let registration = slots[slot].registration
        else { return nil }
        return (registration, Readiness(rawValue: event.readiness))
    }

    /// Puts the first `count` events into another order; the kernel promises none among descriptors.
    func shuffle(_ count: Int, _ shuffle: Shuffle) {
        shuffle.disorder(0..<count) { swap(&events[$0], &events[$1]) }
    }

    /// Every registration.
    var registrations: [any Registration] { slots.compactMap(\.registration) }

    /// Forgets every registration and returns them, for the caller to tell them; like `event`, and for its reason.
    mutating func takeAll() -> [any Registration] {
        let all = registrations
        for registration in all { unregister(registration) }
        return all
    }
}
