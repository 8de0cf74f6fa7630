// Sockets as numbers: each function one system call or a fixed few, errors with the call's name.

internal import CLoop
internal import Glibc

enum Socket {
    static func open(_ family: Int32) throws(IOError) -> Int32 {
        try IOError.check(cloop_socket_open(family, Int32(SOCK_STREAM.rawValue), 0), "socket")
    }

    static func listen(
        on address: SocketAddress, backlog: Int32, reusePort: Bool, mode: UInt32, options: SocketOptions
    ) throws(IOError) -> Int32 {
        let descriptor = try open(address.family)
        var file: SocketFile?
        do throws(IOError) {
            if address.family != AF_UNIX { try setInternetOptions(descriptor, address.family) }
            // Before listen(2): the window of a connection is agreed on as it is made.
            try options.apply(to: descriptor, family: address.family)
            if reusePort { try set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
            try bind(descriptor, to: address)
            file = address.path.flatMap { SocketFile(at: $0) }
            // Nobody can connect before listen(2), so there is no moment at which the file is open to more than it says.
            if let path = address.path { try IOError.check(chmod(path, mode) == 0 ? 0 : -errno, "chmod \(path)") }
            try IOError.check(Glibc.listen(descriptor, backlog) == 0 ? 0 : -errno, "listen")
            return descriptor
        } catch {
            file?.remove()
            Descriptor.close(descriptor)
            throw error
        }
    }

    private static func setInternetOptions(_ descriptor: Int32, _ family: Int32) throws(IOError) {
        // Without it a restarted server could not bind while connections of the last one are in TIME_WAIT (socket(7)).
        try set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if family == AF_INET6 { try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        // Accepted sockets inherit it on Linux, which saves a call a connection. HTTP answers are written whole, so
        // Nagle's algorithm could only delay their last segment.
        try set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    /// Binds, over the file of a unix socket too that nobody listens at any more.
    private static func bind(_ descriptor: Int32, to address: SocketAddress) throws(IOError) {
        let bound = address.withSockaddr { Glibc.bind(descriptor, $0, $1) == 0 ? 0 : -errno }
        if bound == -EADDRINUSE, let path = address.path, let file = SocketFile(at: path), file.removeIfStale() {
            let boundNow = address.withSockaddr { Glibc.bind(descriptor, $0, $1) == 0 ? 0 : -errno }
            try IOError.check(boundNow, "bind \(address)")
        } else {
            try IOError.check(bound, "bind \(address)")
        }
    }

    /// Makes a connection come from `source`.
    static func bind(_ descriptor: Int32, toSource source: SocketAddress) throws(IOError) {
        // Else the kernel would choose a port here, free for any peer, and run out of them long before it has to.
        if source.port == 0, source.family != AF_UNIX {
            try? set(descriptor, Int32(IPPROTO_IP), Int32(IP_BIND_ADDRESS_NO_PORT), 1)
        }
        let bound = source.withSockaddr { Glibc.bind(descriptor, $0, $1) == 0 ? 0 : -errno }
        try IOError.check(bound, "bind \(source)")
    }

    /// Makes a listening socket of somebody else's ours.
    ///
    /// - Throws: `IOError` EINVAL when it does not listen, ENOTSOCK, EBADF.
    static func adoptListening(_ descriptor: Int32) throws(IOError) {
        let isListening = try IOError.check(cloop_socket_get(descriptor, SOL_SOCKET, SO_ACCEPTCONN), "getsockopt")
        guard isListening != 0 else { throw IOError(call: "accept", code: EINVAL) }
        try IOError.check(cloop_socket_adopt(descriptor), "fcntl")
        // As for those opened here; a unix socket has no such option.
        try? set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws(IOError) {
        try IOError.check(cloop_socket_set(descriptor, level, option, value), "setsockopt")
    }

    static func localAddress(_ descriptor: Int32) throws(IOError) -> SocketAddress {
        try address("getsockname") { getsockname(descriptor, $0, $1) }
    }

    static func peerAddress(_ descriptor: Int32) throws(IOError) -> SocketAddress {
        try address("getpeername") { getpeername(descriptor, $0, $1) }
    }

    private static func address(
        _ call: String, _ get: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(IOError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { storage in
            // SAFETY: sockaddr_storage is large enough and aligned for every sockaddr (RFC 3493 §3.10).
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { get($0, &length) == 0 ? 0 : -errno }
        }
        try IOError.check(result, call)
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { SocketAddress($0, length: length) }
        }
    }
}
