// A listening socket: takes connections as they come, in batches, and backs off when descriptors run out.

internal import CLoop
internal import Glibc

/// A socket that accepts connections.
///
/// - Runs on: its loop's thread.
/// - Dropping it, or `close()`, stops accepting; accepted streams live on.
public final class Listener: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only; deinit sends the close there.

    private let source: ReadableDescriptor
    /// Set when the loop, or a starved system, is to be given time before the next connection is taken.
    private var pause: Duration?
    /// Connections taken since the loop last had a turn.
    private var batch = 0
    private var isStarved = false

    /// After this many connections other work gets its turn, so that a flood of new ones cannot starve the old.
    private static let batchMax = 64
    private static let starvedPause = Duration.milliseconds(100)

    /// The loop it accepts on.
    public var loop: EventLoop { source.loop }
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
        source = try ReadableDescriptor(descriptor, on: loop)
    }

    deinit { close() }

    /// Takes the next connection; suspends while there is none.
    ///
    /// - Returns: nil once the listener is closed.
    /// - Throws: `CancellationError`, `TimeoutError`, `LoopError.closed`. Running out of descriptors is no error here:
    ///   it is reported once and accepting goes on when there are some again.
    public func accept() async throws -> ByteStream? {
        while source.isOpen {
            if let descriptor = acceptNow() {
                // A failure here is this one connection's (the kernel has no memory for its registration).
                if let stream = try? ByteStream(takingOver: descriptor, on: loop) { return stream }
                continue
            }
            if let pause = pause.take() {
                try await loop.sleep(for: pause)
            } else if source.isOpen {
                try await source.waitUntilReadable("accepting on")
            }
        }
        return nil
    }

    /// Stops accepting. Waiting `accept` calls return nil. A second call does nothing; any thread.
    public func close() { source.close() }

    private func acceptNow() -> Int32? {
        guard source.isReadable else { return nil }
        if batch == Listener.batchMax {
            batch = 0
            pause = .zero
            return nil
        }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let accepted = withUnsafeMutablePointer(to: &storage) {
            // SAFETY: sockaddr_storage holds any sockaddr.
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                cloop_socket_accept(source.descriptor, $0, &length)
            }
        }
        if accepted >= 0 {
            batch += 1
            isStarved = false
            return accepted
        }
        switch -accepted {
        case EAGAIN:
            batch = 0
            source.noteDrained()
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            // The connection stays in the kernel's queue; trying again at once would only spin.
            pause = Listener.starvedPause
            if !isStarved { Report.failure("Cannot accept connections", IOError(call: "accept4", code: -accepted)) }
            isStarved = true
        default:
            // accept(2): errors of the one connection that was taken off the queue (ENETDOWN, EHOSTUNREACH…). A turn
            // of the loop in between, in case it is the listener's own.
            pause = .zero
        }
        return nil
    }
}
