// Makes connections: names to addresses, addresses to streams, one after the other until one answers.

internal import CLoop
internal import Glibc

/// Why a connection could not be made.
public enum ConnectError: Error, Sendable, CustomStringConvertible {
    /// The host's name has no address.
    case resolve(ResolveError)
    /// No address answered; `error` is the last one's.
    case connect(SocketAddress, IOError)
    /// The deadline passed; `phase` says in what.
    case timeout(phase: String)

    public var description: String {
        switch self {
        case .resolve(let error): error.description
        case .connect(let address, let error): "Could not connect to \(address): \(IOError.message(error.code))"
        case .timeout(let phase): "Timed out while \(phase)."
        }
    }
}

/// Opens connections on one loop.
public struct Connector: Sendable {
    /// The loop the connections live on.
    public let loop: EventLoop
    /// Who turns host names into addresses.
    public let resolver: Resolver

    /// Makes a connector; opens nothing.
    public init(loop: EventLoop, resolver: Resolver = .system) {
        self.loop = loop
        self.resolver = resolver
    }

    /// Connects to the first address of `host` that answers.
    ///
    /// The task's deadline covers the name look-up and all attempts.
    ///
    /// - Runs on: the loop's thread.
    /// - Throws: `ConnectError`, `CancellationError`, `LoopError.closed`. Sockets of failed attempts are closed.
    public func connect(host: String, port: UInt16) async throws -> ByteStream {
        let addresses: [SocketAddress]
        do {
            addresses = try await resolver.addresses(of: host, port: port, on: loop)
        } catch let error as ResolveError {
            throw ConnectError.resolve(error)
        } catch is TimeoutError {
            throw ConnectError.timeout(phase: "resolving \(host)")
        }
        guard !addresses.isEmpty else {
            throw ConnectError.resolve(ResolveError(host: host, reason: "it has no address"))
        }
        return try await connect(toFirstOf: addresses)
    }

    /// Connects to the first of `addresses`, of which there is at least one, that answers: the second half of
    /// `connect(host:port:)`, for those who look names up themselves and time the two apart.
    package func connect(toFirstOf addresses: [SocketAddress]) async throws -> ByteStream {
        precondition(!addresses.isEmpty, "connect(toFirstOf:) needs at least one address")
        for address in addresses.dropLast() {
            do {
                return try await connect(to: address)
            } catch ConnectError.connect {
                continue
            }
        }
        return try await connect(to: addresses[addresses.count - 1])
    }

    /// Connects to one address.
    ///
    /// - Throws: as `connect(host:port:)`.
    public func connect(to address: SocketAddress) async throws -> ByteStream {
        do {
            let descriptor = try Socket.open(address.family)
            if address.family != AF_UNIX {
                try? Socket.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            }
            let result = address.withSockaddr { cloop_socket_connect(descriptor, $0, $1) }
            let attempt = try StreamChannel.Connecting(loop: loop, descriptor: descriptor)
            if result == -EINPROGRESS {
                try await attempt.wait()
            } else {
                try attempt.check(result)
            }
            return try ByteStream(takingOver: attempt.release(), on: loop)
        } catch let error as IOError {
            throw ConnectError.connect(address, error)
        } catch is TimeoutError {
            throw ConnectError.timeout(phase: "connecting to \(address)")
        }
    }
}

extension StreamChannel {
    /// A socket on its way to being connected. Closes it unless it is released.
    fileprivate final class Connecting: Registration {
        private let loop: EventLoop
        private(set) var descriptor: Int32
        private var isSettled = false
        private var waiter: Waiter?

        init(loop: EventLoop, descriptor: Int32) throws(IOError) {
            self.loop = loop
            self.descriptor = descriptor
            try loop.adopt(self, interest: Interest.stream)
        }

        /// connect(2): writable means that it is over; SO_ERROR says how.
        func wait() async throws {
            do {
                try await park(on: loop) { waiter in
                    if self.isSettled { return waiter.wake(.ready) }
                    self.waiter = waiter
                }
                try check(cloop_socket_error(descriptor))
            } catch {
                close()
                throw error
            }
        }

        func check(_ result: Int32) throws(IOError) {
            guard result < 0 else { return }
            close()
            throw IOError(call: "connect", code: -result)
        }

        /// Gives the descriptor up to its next owner.
        func release() -> Int32 {
            loop.poller.unregister(self)
            defer { descriptor = -1 }
            return descriptor
        }

        private func close() {
            guard descriptor >= 0 else { return }
            loop.poller.forget(self)
            Descriptor.close(descriptor)
            descriptor = -1
        }

        func deliver(_ readiness: Readiness) {
            // A socket that is not connecting yet reports EPOLLOUT|EPOLLHUP when it is added; only what comes after
            // connect(2) was called is heard here, since that happens before the registration.
            isSettled = true
            waiter?.wake(.ready)
        }

        func abandon() { close() }
    }
}
