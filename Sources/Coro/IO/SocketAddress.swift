// Where a socket is: IPv4, IPv6 or unix. Parses and prints, resolves nothing.

internal import CLoop
internal import Glibc

/// The address of a socket.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The bytes of the C struct, as many as the kernel counts.
    private var bytes: [UInt8]

    /// An IPv4 or IPv6 literal and a port; nil when `ip` is not one. Brackets round an IPv6 literal may be there.
    public init?(ip: String, port: UInt16) {
        var text = ip
        if text.hasPrefix("["), text.hasSuffix("]") { text = String(text.dropFirst().dropLast()) }
        // inet_pton(3) reads up to a NUL; a longer Swift string would be cut there and taken for valid.
        guard !text.utf8.contains(0) else { return nil }
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if inet_pton(AF_INET, text, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            bytes = withUnsafeBytes(of: v4) { Array($0) }
        } else if inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 {
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            bytes = withUnsafeBytes(of: v6) { Array($0) }
        } else {
            return nil
        }
    }

    /// 127.0.0.1.
    public static func loopback(port: UInt16) -> SocketAddress {
        // The literal is a valid address, so this cannot be nil.
        SocketAddress(ip: "127.0.0.1", port: port)!
    }

    /// Copies what the kernel wrote.
    init(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(length)))
    }

    /// The address family, AF_INET, AF_INET6 or AF_UNIX.
    var family: Int32 {
        bytes.withUnsafeBytes { $0.count >= 2 ? Int32($0.loadUnaligned(as: sa_family_t.self)) : AF_UNSPEC }
    }

    /// The port; 0 for a unix socket.
    public var port: UInt16 {
        guard family == AF_INET || family == AF_INET6, bytes.count >= 4 else { return 0 }
        // sin_port and sin6_port lie at the same place, in network order.
        return UInt16(bytes[2]) << 8 | UInt16(bytes[3])
    }

    /// The numeric host; empty for a unix socket.
    public var host: String {
        withSockaddr { address, length in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { room in
                guard let base = room.baseAddress,
                    getnameinfo(address, length, base, socklen_t(room.count), nil, 0, NI_NUMERICHOST) == 0
                else { return "" }
                return String(cString: base)
            }
        }
    }

    /// `127.0.0.1:80`, `[::1]:80`, or `unix`.
    public var description: String {
        switch family {
        case AF_INET: "\(host):\(port)"
        case AF_INET6: "[\(host)]:\(port)"
        default: "unix"
        }
    }

    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        // Copied into the C struct: an array's bytes have no promised alignment, and need not fill a sockaddr.
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { $0.copyBytes(from: bytes.prefix($0.count)) }
        return withUnsafePointer(to: &storage) { storage in
            // SAFETY: sockaddr_storage is large enough and aligned for every sockaddr (RFC 3493 §3.10).
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(bytes.count)) }
        }
    }
}
