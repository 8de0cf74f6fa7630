// A listening socket: takes connections as they come, in batches, and backs off when descriptors run out. A server on top
// of it is in `Listener+Serving.swift`, several addresses at once in `Listener+Binding.swift`.

internal import CLoop
internal import Glibc

/// A socket that accepts connections.
///
/// - Runs on: its loop's thread.
/// - Dropping it, or `close()`, stops accepting; accepted streams live on.
public final class Listener: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `file` is locked; the rest is touched on the loop's thread only, and deinit sends the
    // close there.

    let source: ReadableDescriptor
    /// The unix socket's file, until it is removed.
    private let file: Locked<SocketFile?>
    /// Set when the loop, or a starved system, is to be given time before the next connection is taken.
    private var pause: Duration?
    /// Connections taken since the loop last had a turn.
    private var batch = 0
    private var isStarved = false
    /// Connections that `serve` has handed out and whose handlers have not ended.
    public internal(set) var connectionCount = 0

    /// After this many connections other work gets its turn, so that a flood of new ones cannot starve the old.
    private static let batchMax = 64
    private static let starvedPause = Duration.milliseconds(100)

    /// The loop it accepts on.
    public var loop: EventLoop { source.loop }
    /// Where it listens; with port 0 asked for, the port the kernel chose.
    public let address: SocketAddress

    /// Binds and listens.
    ///
    /// For a unix address with a path the kernel makes a file there, which `close()` removes. A file that a dead server
    /// has left is replaced; one of a living server, or one that is no socket, is EADDRINUSE and stays as it is.
    ///
    /// - Parameters:
    ///   - backlog: how many finished handshakes the kernel may keep for us.
    ///   - reusePort: lets several listeners, one a loop, share the port (SO_REUSEPORT). Not for unix addresses.
    ///   - mode: who may connect to a unix socket's file; by default its owner alone.
    ///   - options: what accepted connections inherit.
    /// - Throws: `IOError` EADDRINUSE, EACCES, EADDRNOTAVAIL…
    public convenience init(
        on loop: EventLoop, address: SocketAddress, backlog: Int32 = 1024, reusePort: Bool = false,
        mode: UInt32 = 0o600, options: SocketOptions = SocketOptions()
    ) throws(IOError) {
        let descriptor = try Socket.listen(
            on: address, backlog: backlog, reusePort: reusePort, mode: mode, options: options)
        try self.init(owning: descriptor, file: address.path.flatMap { SocketFile(at: $0) }, on: loop)
    }

    /// Takes over a socket that listens already: one that this process was started with (see `InheritedDescriptor`), or a
    /// duplicate of another loop's, with which it then shares the connections.
    ///
    /// The listener closes the descriptor. A unix socket's file stays: it belongs to whoever has bound it.
    ///
    /// - Parameter options: what accepted connections inherit. They are the socket's: whoever else has a descriptor of it
    ///   gets them too.
    /// - Throws: `IOError` EINVAL when it does not listen, ENOTSOCK, EBADF; what the system says to an option. The descriptor
    ///   is closed then, too.
    public convenience init(
        takingOver descriptor: Int32, on loop: EventLoop, options: SocketOptions = SocketOptions()
    ) throws(IOError) {
        do throws(IOError) {
            try Socket.adoptListening(descriptor)
            try options.apply(to: descriptor, family: Socket.localAddress(descriptor).family)
        } catch {
            Descriptor.close(descriptor)
            throw error
        }
        try self.init(owning: descriptor, file: nil, on: loop)
    }

    private init(owning descriptor: Int32, file: SocketFile?, on loop: EventLoop) throws(IOError) {
        do throws(IOError) {
            address = try Socket.localAddress(descriptor)
        } catch {
            Descriptor.close(descriptor)
            file?.remove()
            throw error
        }
        do throws(IOError) {
            source = try ReadableDescriptor(descriptor, on: loop)
        } catch {
            file?.remove()
            throw error
        }
        self.file = Locked(file)
    }

    deinit { close() }

    /// True until `close()`, or the loop's.
    public var isOpen: Bool { source.isOpen }

    /// Takes the next connection; suspends while there is none.
    ///
    /// - Returns: nil once the listener is closed.
    /// - Throws: `CancellationError`, `TimeoutError`, `LoopError.closed`; `StreamError.busy` while another task waits,
    ///   `StreamError.wrongThread` on any but the loop's; `IOError` EINVAL when somebody with whom the socket is shared has
    ///   shut it down. Running out of descriptors is no error here: it is reported once and accepting goes on when there
    ///   are some again.
    public func accept() async throws -> ByteStream? {
        guard loop.isCurrent || loop.isClosed else { throw StreamError.wrongThread }
        while source.isOpen {
            if let descriptor = try acceptNow() {
                // A failure here is this one connection's (the kernel has no memory for its registration).
                let stream = try? ByteStream(takingOver: descriptor, family: address.family, on: loop)
                if let stream { return stream }
                continue
            }
            if let pause = pause.take() {
                try await source.rest(for: pause, "accepting on")
            } else if source.isOpen {
                try await source.waitUntilReadable("accepting on")
            }
        }
        return nil
    }

    /// Stops accepting: waiting `accept` calls return nil, the kernel refuses whoever comes, and those whose handshake
    /// was done and who had not been accepted are reset. A second call does nothing; any thread.
    public func close() {
        file.withLock { $0.take() }?.remove()
        source.close()
    }

    private func acceptNow() throws(IOError) -> Int32? {
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
        case EINVAL:
            // It listens no more: somebody else who has the socket, another process perhaps, has called shutdown(2).
            throw IOError(call: "accept4", code: -accepted)
        default:
            // accept(2): errors of the one connection that was taken off the queue (ENETDOWN, EHOSTUNREACH…). A turn
            // of the loop in between, in case it is the listener's own.
            pause = .zero
        }
        return nil
    }
}
