// Sockets as numbers: each function one system call or a fixed few, errors with the call's name.

internal import CLoop
internal import Glibc

enum Socket {
    static func open(_ family: Int32) throws(IOError) -> Int32 {
        try IOError.check(cloop_socket_open(family, Int32(SOCK_STREAM.rawValue), 0), "socket")
    }

    static func listen(on address: SocketAddress, backlog: Int32, reusePort: Bool) throws(IOError) -> Int32 {
        let descriptor = try open(address.family)
        do throws(IOError) {
            // Without it a restarted server could not bind while connections of the last one are in TIME_WAIT (socket(7)).
            try set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if reusePort { try set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
            if address.family == AF_INET6 { try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
            // Accepted sockets inherit it on Linux, which saves a call a connection. HTTP answers are written whole, so
            // Nagle's algorithm could only delay their last segment.
            if address.family != AF_UNIX { try set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
            let bound = address.withSockaddr { bind(descriptor, $0, $1) == 0 ? 0 : -errno }
            try IOError.check(bound, "bind \(address)")
            try IOError.check(Glibc.listen(descriptor, backlog) == 0 ? 0 : -errno, "listen")
            return descriptor
        } catch {
            Descriptor.close(descriptor)
            throw error
        }
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
