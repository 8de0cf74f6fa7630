// Several addresses at once: what a name stands for, IPv4 and IPv6, on one port.

internal import Glibc

extension Listener {
    /// Listens at every address that `host` has, on one port for all.
    ///
    /// With port 0 the kernel chooses a port that is free on all of them. See `bind(to:on:)`.
    ///
    /// - Parameter host: a name ("localhost") or a literal ("::1").
    /// - Throws: `ResolveError`; `IOError` EADDRINUSE, EACCES…; `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public static func bind(
        to host: String, port: UInt16, on loop: EventLoop, resolver: some Resolver = .system, backlog: Int32 = 1024,
        reusePort: Bool = false, options: SocketOptions = SocketOptions()
    ) async throws -> [Listener] {
        let addresses = try await resolver.addresses(of: host, port: port, on: loop)
        guard !addresses.isEmpty else { throw ResolveError(host: host, reason: "it has no address") }
        return try bind(to: addresses, on: loop, backlog: backlog, reusePort: reusePort, options: options)
    }

    /// Listens at every one of `addresses`; those with port 0 share one port that the kernel chooses.
    ///
    /// An address that this machine does not have (EADDRNOTAVAIL, EAFNOSUPPORT: `::1` where IPv6 is off) is left out as
    /// long as there is another. Anything else that fails closes the others again.
    ///
    /// - Returns: the listeners in the order of the addresses, each address once.
    /// - Throws: `IOError`; nothing is bound then.
    public static func bind(
        to addresses: [SocketAddress], on loop: EventLoop, backlog: Int32 = 1024, reusePort: Bool = false,
        options: SocketOptions = SocketOptions()
    ) throws(IOError) -> [Listener] {
        var patience = 16
        while true {
            do throws(IOError) {
                return try bindOnce(to: addresses, on: loop, backlog, reusePort, options)
            } catch {
                // The port that was free for one family was taken for the other: the kernel chooses again.
                patience -= 1
                guard error.code == EADDRINUSE, patience > 0, addresses.contains(where: { $0.isPortOpen }) else {
                    throw error
                }
            }
        }
    }

    private static func bindOnce(
        to addresses: [SocketAddress], on loop: EventLoop, _ backlog: Int32, _ reusePort: Bool,
        _ options: SocketOptions
    ) throws(IOError) -> [Listener] {
        var listeners: [Listener] = []
        var seen: Set<SocketAddress> = []
        var chosen: UInt16?
        var missing: IOError?
        for address in addresses where seen.insert(address).inserted {
            do throws(IOError) {
                let wanted = address.isPortOpen ? address.with(port: chosen ?? 0) : address
                let listener = try Listener(
                    on: loop, address: wanted, backlog: backlog, reusePort: reusePort, options: options)
                if address.isPortOpen { chosen = listener.address.port }
                listeners.append(listener)
            } catch  where error.code == EADDRNOTAVAIL || error.code == EAFNOSUPPORT {
                missing = missing ?? error
            } catch {
                for listener in listeners { listener.close() }
                throw error
            }
        }
        if listeners.isEmpty, let missing { throw missing }
        return listeners
    }
}

extension SocketAddress {
    /// True when the port is the kernel's to choose.
    fileprivate var isPortOpen: Bool { port == 0 && family != AF_UNIX }
}
