// A listening socket: takes connections as they come, in batches, and backs off when descriptors run out.

internal import CLoop
internal import Glibc

/// A socket that accepts connections.
///
/// - Runs on: its loop's thread.
/// - Dropping it, or `close()`, stops accepting; accepted streams live on.
public final class Listener: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only; deinit sends the close there.

    private let channel: ListenerChannel

    /// The loop it accepts on.
    public var loop: EventLoop { channel.loop }
    /// Where it listens; with port 0 asked for, the port the kernel chose.
    public let address: SocketAddress

    /// Binds and listens.
    ///
    /// - Parameters:
    ///   - backlog: how many finished handshakes the kernel may keep for us.
    ///   - reusePort: lets several listeners, one a loop, share the port (SO_REUSEPORT).
    /// - Throws: `IOError` EADDRINUSE, EACCES, EADDRNOTAVAIL…
    public init(
        on loop: EventLoop, address: SocketAddress, backlog: Int32 = 1024, reusePort: Bool = false
    ) throws(IOError) {
        let descriptor = try Socket.listen(on: address, backlog: backlog, reusePort: reusePort)
        do throws(IOError) {
            self.address = try Socket.localAddress(descriptor)
        } catch {
            Descriptor.close(descriptor)
            throw error
        }
        channel = try ListenerChannel(loop: loop, descriptor: descriptor)
    }

    deinit { close() }

    /// Takes the next connection; suspends while there is none.
    ///
    /// - Returns: nil once the listener is closed.
    /// - Throws: `CancellationError`, `TimeoutError`, `LoopError.closed`. Running out of descriptors is no error here:
    ///   it is reported once and accepting goes on when there are some again.
    public func accept() async throws -> ByteStream? {
        while channel.isOpen {
            if let descriptor = channel.acceptNow() {
                // A failure here is this one connection's (the kernel has no memory for its registration).
                if let stream = try? ByteStream(takingOver: descriptor, on: loop) { return stream }
                continue
            }
            if let pause = channel.pause.take() {
                try await loop.sleep(for: pause)
            } else if channel.isOpen {
                try await channel.waitUntilReadable()
            }
        }
        return nil
    }

    /// Stops accepting. Waiting `accept` calls return nil. A second call does nothing; any thread.
    public func close() {
        // SAFETY: closed on the loop's thread.
        nonisolated(unsafe) let channel = channel
        if channel.loop.isCurrent { channel.close() } else { channel.loop.addCallback { channel.close() } }
    }
}

private final class ListenerChannel: Registration {
    let loop: EventLoop
    private(set) var descriptor: Int32
    /// Set when accepting failed for want of descriptors or memory: how long to leave it alone.
    var pause: Duration?
    private var mayAccept = true
    private var waiter: Waiter?
    /// Connections taken since the loop last had a turn.
    private var batch = 0
    private var isStarved = false

    /// After this many connections other work gets its turn, so that a flood of new ones cannot starve the old.
    private static let batchMax = 64
    private static let starvedPause = Duration.milliseconds(100)

    init(loop: EventLoop, descriptor: Int32) throws(IOError) {
        self.loop = loop
        self.descriptor = descriptor
        do throws(IOError) {
            try loop.poller.register(self, interest: Interest.waker)
        } catch {
            Descriptor.close(descriptor)
            throw error
        }
    }

    var isOpen: Bool { descriptor >= 0 }

    func acceptNow() -> Int32? {
        guard isOpen, mayAccept else { return nil }
        if batch == ListenerChannel.batchMax {
            batch = 0
            pause = .zero
            return nil
        }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let accepted = withUnsafeMutablePointer(to: &storage) {
            // SAFETY: sockaddr_storage holds any sockaddr.
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { cloop_socket_accept(descriptor, $0, &length) }
        }
        if accepted >= 0 {
            batch += 1
            isStarved = false
            return accepted
        }
        switch -accepted {
        case EAGAIN:
            batch = 0
            mayAccept = false
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            // The connection stays in the kernel's queue; trying again at once would only spin.
            pause = ListenerChannel.starvedPause
            if !isStarved { Report.failure("Cannot accept connections", IOError(call: "accept4", code: -accepted)) }
            isStarved = true
        default:
            // accept(2): errors of the one connection that was taken off the queue (ENETDOWN, EHOSTUNREACH…). A turn
            // of the loop in between, in case it is the listener's own.
            pause = .zero
        }
        return nil
    }

    func waitUntilReadable() async throws {
        if waiter != nil { throw StreamError.busy("accepting on") }
        try await park(on: loop) { waiter in
            guard self.isOpen, !self.mayAccept else { return waiter.wake(.ready) }
            self.waiter = waiter
            waiter.whenWoken { self.waiter = nil }
        }
    }

    func deliver(_ readiness: Readiness) {
        mayAccept = true
        waiter?.wake(.ready)
    }

    func close() {
        guard isOpen else { return }
        loop.poller.forget(self)
        Descriptor.close(descriptor)
        descriptor = -1
        waiter?.wake(.ready)
    }

    func abandon() { close() }
}
