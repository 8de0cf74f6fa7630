// One attempt to connect to one address: a socket between connect(2) and its outcome. A protocol, so that races can be
// tested without a network that is slow on demand.

internal import CLoop
internal import Glibc

/// An attempt that is under way or over. Loop's thread.
protocol ConnectAttempt: AnyObject {
    var address: SocketAddress { get }
    /// nil while it is under way.
    var outcome: Result<Void, IOError>? { get }
    /// Gives the connected descriptor up to its next owner.
    func release() -> Int32
    /// Ends it, whatever its state. Does nothing after `release`.
    func close()
}

/// Begins an attempt, which calls `whenSettled` when its outcome comes later than this call.
typealias Dialing = @Sendable (_ address: SocketAddress, _ whenSettled: @escaping () -> Void) -> any ConnectAttempt

/// An attempt with a socket.
final class SocketAttempt: ConnectAttempt, Registration {
    let address: SocketAddress
    private(set) var outcome: Result<Void, IOError>?
    private(set) var descriptor: Int32 = -1
    private let loop: EventLoop
    private var whenSettled: (() -> Void)?

    init(
        to address: SocketAddress, from source: SocketAddress?, options: SocketOptions, on loop: EventLoop,
        whenSettled: @escaping () -> Void
    ) {
        self.address = address
        self.loop = loop
        do throws(IOError) {
            if try begin(from: source, options) { outcome = .success(()) } else { self.whenSettled = whenSettled }
        } catch {
            fail(error)
        }
    }

    /// True when it is connected at once, as unix sockets are.
    private func begin(from source: SocketAddress?, _ options: SocketOptions) throws(IOError) -> Bool {
        descriptor = try Socket.open(address.family)
        if address.family != AF_UNIX { try? Socket.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        try options.apply(to: descriptor, family: address.family)
        if let source { try Socket.bind(descriptor, toSource: source) }
        let result = address.withSockaddr { cloop_socket_connect(descriptor, $0, $1) }
        guard result == -EINPROGRESS else {
            try IOError.check(result, "connect")
            return true
        }
        // After connect(2): before it, a socket that is not connecting would report EPOLLOUT|EPOLLHUP.
        try loop.poller.register(self, interest: Interest.stream)
        return false
    }

    func deliver(_ readiness: Readiness) {
        guard outcome == nil else { return }
        // connect(2): writable means that it is over; SO_ERROR says how.
        let error = cloop_socket_error(descriptor)
        let whenSettled = whenSettled.take()
        if error == 0 { outcome = .success(()) } else { fail(IOError(call: "connect", code: -error)) }
        whenSettled?()
    }

    private func fail(_ error: IOError) {
        close()
        outcome = .failure(error)
    }

    func release() -> Int32 {
        loop.poller.unregister(self)
        defer { descriptor = -1 }
        return descriptor
    }

    func close() {
        whenSettled = nil
        guard descriptor >= 0 else { return }
        loop.poller.forget(self)
        Descriptor.close(descriptor)
        descriptor = -1
    }

    func abandon() { close() }
}
