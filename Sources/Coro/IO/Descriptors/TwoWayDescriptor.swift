// A descriptor that is taken from and given to without a stream's buffers: a datagram socket's, a pipe's end. Owned,
// registered once, edge-triggered, with one task at most asleep in each direction.

internal import CLoop

/// An owned descriptor and whoever waits for it to have something to take, or room.
class TwoWayDescriptor: Registration {
    final let loop: EventLoop
    /// −1 once it is closed.
    final private(set) var descriptor: Int32
    /// False from the moment that trying came to nothing until the kernel announces a change.
    final private(set) var mayTake = true
    final private(set) var mayGive = true
    private final var taker: Waiter?
    private final var giver: Waiter?
    /// A task sleeps as one of the two, or has been woken and has not run yet.
    private final var hasTaker = false
    private final var hasGiver = false
    /// All that was ever taken and given: bytes, or datagrams.
    final private(set) var taken = 0
    final private(set) var given = 0
    /// For tests: decides over each system call before it is made. Nil in production.
    final var faults: (any StreamFaultSource)?

    /// Takes over a non-blocking descriptor; closes it when it cannot be registered.
    init(_ descriptor: Int32, on loop: EventLoop) throws(IOError) {
        self.loop = loop
        self.descriptor = descriptor
        try loop.adopt(self, interest: Interest.stream)
    }

    final var isOpen: Bool { descriptor >= 0 }

    /// Refuses a second taker before it has taken what the first one waits to be more.
    final func checkNobodyTakes(_ activity: String) throws(StreamError) {
        if hasTaker { throw .busy(activity) }
    }

    /// Refuses a second giver before it has queued anything.
    final func checkNobodyGives(_ activity: String) throws(StreamError) {
        if hasGiver { throw .busy(activity) }
    }

    /// Takes once, as much as `count` at most, by a system call that says how much came, or −errno.
    @inline(__always)
    final func take(atMost count: Int, by call: (Int) -> Int64) -> Int64 {
        var count = count
        if let faults, let answer = interfere(faults, .receive, &count) { return answer }
        let got = call(count)
        if got > 0 { taken &+= Int(got) }
        return got
    }

    /// Gives once, as much as `count` at most, by a system call that says how much went, or −errno.
    @inline(__always)
    final func give(atMost count: Int, by call: (Int) -> Int64) -> Int64 {
        var count = count
        if let faults, let answer = interfere(faults, .send, &count) { return answer }
        let went = call(count)
        if went > 0 { given &+= Int(went) }
        return went
    }

    /// The kernel has (as if it had) no more for us in this direction until it says so.
    final func noteBlocked(_ call: StreamCall) {
        if call == .receive { mayTake = false } else { mayGive = false }
    }

    /// Suspends until taking is worth a call, or the descriptor is closed. Call it when taking came to nothing (EAGAIN).
    final func waitUntilReadable(_ activity: String) async throws {
        try checkNobodyTakes(activity)
        hasTaker = true
        defer { hasTaker = false }
        noteBlocked(.receive)
        try await park(on: loop, for: "reading") { waiter in
            guard self.isOpen, !self.mayTake else { return waiter.wake(.ready) }
            self.taker = waiter
            waiter.whenWoken { self.taker = nil }
        }
    }

    /// Suspends until giving is worth a call, or the descriptor is closed. Call it when giving came to nothing (EAGAIN).
    final func waitUntilWritable(_ activity: String) async throws {
        try checkNobodyGives(activity)
        hasGiver = true
        defer { hasGiver = false }
        noteBlocked(.send)
        try await park(on: loop, for: "writing") { waiter in
            guard self.isOpen, !self.mayGive else { return waiter.wake(.ready) }
            self.giver = waiter
            waiter.whenWoken { self.giver = nil }
        }
    }

    /// Lets the others on the loop have their turn, in the middle of taking. It may be closed afterwards.
    final func giveReaderTurn() async throws {
        hasTaker = true
        defer { hasTaker = false }
        try await loop.moment()
    }

    /// The same in the middle of giving.
    final func giveWriterTurn() async throws {
        hasGiver = true
        defer { hasGiver = false }
        try await loop.moment()
    }

    final func deliver(_ readiness: Readiness) {
        // An error and the other side's end are news for both.
        let ends = !readiness.isDisjoint(with: [.peerClosed, .hangUp, .error])
        if ends || readiness.contains(.readable) { mayTake = true }
        if ends || readiness.contains(.writable) { mayGive = true }
        if mayTake { taker?.wake(.ready) }
        if mayGive { giver?.wake(.ready) }
    }

    /// Closes it, now on the loop's thread or later from another, and wakes whoever waits. A second call does nothing.
    final func close() {
        guard loop.isCurrent else {
            // SAFETY: handed to the loop's thread.
            nonisolated(unsafe) let descriptor = self
            loop.addCallback { descriptor.close() }
            return
        }
        guard isOpen else { return }
        loop.poller.forget(self)
        Descriptor.close(descriptor)
        becomeClosed()
    }

    /// Leaves the loop without being closed: the number is the caller's from now on. Loop's thread, while it is open.
    final func release() -> Int32 {
        let released = descriptor
        loop.poller.unregister(self)
        becomeClosed()
        return released
    }

    private final func becomeClosed() {
        descriptor = -1
        faults?.letGo()
        didClose()
        taker?.wake(.ready)
        giver?.wake(.ready)
    }

    /// Called when it has been closed or released. Loop's thread.
    func didClose() {}

    final func abandon() { close() }
}
