// A descriptor that is only taken from: a listener's, a signalfd's. Owned, registered once, edge-triggered, with one task
// at most asleep on it. (A connection, with its two directions and its buffers, is a `StreamChannel`.)

internal import CLoop

/// An owned descriptor and whoever waits for it to have something to take.
final class ReadableDescriptor: Registration {
    let loop: EventLoop
    /// −1 once it is closed.
    private(set) var descriptor: Int32
    /// False from the moment that taking found nothing until the kernel announces more.
    private var mayTake = true
    private var waiter: Waiter?
    /// What waits does not wait for something to take.
    private var isResting = false

    /// Takes over a non-blocking descriptor; closes it when it cannot be registered.
    init(_ descriptor: Int32, on loop: EventLoop) throws(IOError) {
        self.loop = loop
        self.descriptor = descriptor
        try loop.adopt(self, interest: Interest.taking)
    }

    var isOpen: Bool { descriptor >= 0 }

    /// Whether taking is worth a call.
    var isReadable: Bool { isOpen && mayTake }

    /// Taking found nothing (EAGAIN). What comes next is an edge of its own.
    func noteDrained() { mayTake = false }

    /// Suspends until there is something to take, or the descriptor is closed.
    func waitUntilReadable(_ activity: String) async throws {
        if waiter != nil { throw StreamError.busy(activity) }
        try await park(on: loop, for: "waiting for a connection or signal") { waiter in
            guard self.isOpen, !self.mayTake else { return waiter.wake(.ready) }
            self.waiter = waiter
            waiter.whenWoken { self.waiter = nil }
        }
    }

    /// Suspends until `wake`, until the descriptor is closed, or now and then before that.
    func waitUntilWoken(_ activity: String) async throws {
        if waiter != nil { throw StreamError.busy(activity) }
        try await park(on: loop) { waiter in
            guard self.isOpen else { return waiter.wake(.ready) }
            self.waiter = waiter
            waiter.whenWoken { self.waiter = nil }
        }
    }

    /// Suspends for a while, or until `wake`, or until the descriptor is closed. What arrives meanwhile is no reason to end.
    func rest(for pause: Duration, _ activity: String) async throws {
        if waiter != nil { throw StreamError.busy(activity) }
        try await park(on: loop, for: "a pause") { waiter in
            guard self.isOpen else { return waiter.wake(.ready) }
            self.waiter = waiter
            self.isResting = true
            let timer = self.loop.callLater(pause) { waiter.wake(.ready) }
            waiter.whenWoken {
                self.waiter = nil
                self.isResting = false
                timer.cancel()
            }
        }
    }

    /// Lets a task that waits look again. Loop's thread.
    func wake() { waiter?.wake(.ready) }

    func deliver(_ readiness: Readiness) {
        mayTake = true
        if !isResting { waiter?.wake(.ready) }
    }

    /// Closes it, now on the loop's thread or later from another, and wakes whoever waits. A second call does nothing.
    func close() {
        guard loop.isCurrent else {
            // SAFETY: handed to the loop's thread.
            nonisolated(unsafe) let source = self
            loop.addCallback { source.close() }
            return
        }
        guard isOpen else { return }
        // Not left to close(2): a listening socket may live on in a duplicate, and epoll with it (epoll(7)).
        loop.poller.unregister(self)
        Descriptor.close(descriptor)
        descriptor = -1
        waiter?.wake(.ready)
    }

    func abandon() { close() }
}
