// Where the servers listen: at the address of the command line, or at sockets that a supervisor has opened for this process,
// which then are its addresses (systemd's socket units; sd_listen_fds(3)).

internal import Coro
internal import Glibc
internal import Http

/// Lets servers listen, each on its own loop, all at the same addresses.
struct Listening {
    private let options: Options
    /// Nil for plain HTTP.
    private let security: Security?
    private let log: AccessLog?

    init(_ options: Options, _ security: Security?, _ log: AccessLog?) {
        self.options = options
        self.security = security
        self.log = log
    }

    /// Begins, and says where.
    ///
    /// - Throws: `CannotListen`.
    func begin(_ servers: [HTTPServer]) async throws -> [SocketAddress] {
        let inherited = InheritedDescriptor.all().map(\.descriptor)
        if !inherited.isEmpty { return try await begin(servers, at: inherited) }
        var port = options.port
        var addresses: [SocketAddress] = []
        for server in servers {
            let address = try await listen(server, port: port, reusePort: servers.count > 1)
            // Where the first one is: with port 0 it was the kernel that chose.
            port = address.port
            if addresses.isEmpty { addresses = [address] }
        }
        return addresses
    }

    // MARK: At an address

    private func listen(_ server: HTTPServer, port: UInt16, reusePort: Bool) async throws -> SocketAddress {
        // The command line was checked, so that the address is one.
        guard let address = SocketAddress(ip: options.host, port: port) else { throw LoopError.closed }
        do {
            guard let security else { return try await server.listen(on: address, reusePort: reusePort) }
            return try await security.listen(server, on: address, reusePort: reusePort, log: log)
        } catch let error as IOError {
            throw CannotListen(at: address, error)
        }
    }

    // MARK: At sockets that are there

    private func begin(_ servers: [HTTPServer], at sockets: [Int32]) async throws -> [SocketAddress] {
        var addresses: [SocketAddress] = []
        for socket in sockets {
            for server in servers {
                // Each loop has a descriptor of its own, and all share the connections. The last one takes the socket itself.
                let descriptor = server === servers.last ? socket : fcntl(socket, F_DUPFD_CLOEXEC, 0)
                let address = try await listen(server, at: descriptor, of: socket)
                if server === servers.first { addresses.append(address) }
            }
        }
        return addresses
    }

    private func listen(_ server: HTTPServer, at descriptor: Int32, of socket: Int32) async throws -> SocketAddress {
        do {
            return try await server.loop.spawn { [security, log] in
                let listener = try Listener(takingOver: descriptor, on: server.loop)
                if let security {
                    try await security.listen(server, on: listener, log: log)
                } else {
                    try await server.listen(on: listener)
                }
                return listener.address
            }.value
        } catch let error as IOError {
            throw CannotListen(at: socket, error)
        }
    }
}

/// Why there is nothing to serve on.
struct CannotListen: Error, CustomStringConvertible {
    let description: String

    init(at address: SocketAddress, _ error: IOError) {
        let cure =
            switch error.code {
            case EADDRINUSE:
                "Port \(address.port) is in use. Stop what listens there, or choose another with --port; 0 picks one."
            case EACCES: "Ports below 1024 are for root. Choose another with --port."
            case EADDRNOTAVAIL: "This machine has no such address. Choose another with --bind."
            default: "\(error)."
            }
        description = "Cannot listen on \(address). \(cure)"
    }

    init(at socket: Int32, _ error: IOError) {
        description =
            "Cannot listen at descriptor \(socket), which LISTEN_FDS says this was started with: \(error). "
            + "It must be a listening stream socket; in a systemd unit, that is ListenStream= with Accept=no."
    }
}
