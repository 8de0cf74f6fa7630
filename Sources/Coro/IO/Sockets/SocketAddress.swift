// Where a socket is: IPv4, IPv6 or unix. Parses and prints, resolves nothing.

internal import CLoop
internal import Glibc

/// The address of a socket.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// The bytes of the C struct (`sockaddr_in`, `sockaddr_in6`, `sockaddr_un`), as many as the kernel counts.
    public let bytes: [UInt8]

    /// An IPv4 or IPv6 literal and a port; nil when `ip` is not one. Brackets round an IPv6 literal may be there.
    public init?(ip: String, port: UInt16) {
        // inet_pton(3) reads up to a NUL; a longer Swift string would be cut there and taken for valid.
        guard !ip.utf8.contains(0) else { return nil }
        let isBracketed = ip.hasPrefix("[") && ip.hasSuffix("]")
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if inet_pton(AF_INET, ip, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            bytes = withUnsafeBytes(of: v4) { Array($0) }
        } else if inet_pton(AF_INET6, isBracketed ? String(ip.dropFirst().dropLast()) : ip, &v6.sin6_addr) == 1 {
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            bytes = withUnsafeBytes(of: v6) { Array($0) }
        } else {
            return nil
        }
    }

    /// A unix domain socket in the file system; nil when the path is empty, holds a NUL, or is longer than the 107 bytes
    /// that unix(7) has room for.
    public init?(path: String) {
        let name = Array(path.utf8)
        guard !name.isEmpty, !name.contains(0), name.count < SocketAddress.unixNameMax else { return nil }
        bytes = SocketAddress.unixFamily + name + [0]
    }

    /// A unix domain socket that has a name and no file (Linux, unix(7)); nil for an empty name or one longer than 107
    /// bytes. It is gone when the last descriptor of it is closed.
    public init?(abstract name: String) {
        let name = Array(name.utf8)
        guard !name.isEmpty, name.count < SocketAddress.unixNameMax else { return nil }
        // A NUL in front is what tells it from a path. It ends with its length, not with a NUL.
        bytes = SocketAddress.unixFamily + [0] + name
    }

    /// An address from the bytes of its C struct; nil when they are not one of IPv4, IPv6 or unix.
    public init?(bytes: [UInt8]) {
        self.bytes = bytes
        let room: ClosedRange<Int>
        switch family {
        case AF_INET: room = MemoryLayout<sockaddr_in>.size...MemoryLayout<sockaddr_in>.size
        case AF_INET6: room = MemoryLayout<sockaddr_in6>.size...MemoryLayout<sockaddr_in6>.size
        case AF_UNIX: room = 2...MemoryLayout<sockaddr_un>.size
        default: return nil
        }
        guard room.contains(bytes.count) else { return nil }
    }

    /// Copies what the kernel wrote.
    init(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(length)))
    }

    /// 127.0.0.1.
    public static func loopback(port: UInt16) -> SocketAddress {
        // The literal is a valid address, so this cannot be nil.
        SocketAddress(ip: "127.0.0.1", port: port)!
    }

    /// The same host with another port; the same address when it is a unix one.
    public func with(port: UInt16) -> SocketAddress {
        guard hasPort else { return self }
        var bytes = bytes
        (bytes[2], bytes[3]) = (UInt8(port >> 8), UInt8(port & 0xFF))
        // Only the port has changed, so it is still an address.
        return SocketAddress(bytes: bytes) ?? self
    }

    // MARK: Parts

    /// The address family as the system counts them: AF_INET, AF_INET6 or AF_UNIX.
    public var family: Int32 {
        bytes.withUnsafeBytes { $0.count >= 2 ? Int32($0.loadUnaligned(as: sa_family_t.self)) : AF_UNSPEC }
    }

    /// The port; 0 for a unix socket.
    public var port: UInt16 {
        // sin_port and sin6_port lie at the same place, in network order.
        hasPort ? UInt16(bytes[2]) << 8 | UInt16(bytes[3]) : 0
    }

    private var hasPort: Bool { (family == AF_INET || family == AF_INET6) && bytes.count >= 4 }

    /// The numeric host; empty for a unix socket.
    public var host: String {
        guard hasPort else { return "" }
        return withSockaddr { address, length in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { room in
                guard let base = room.baseAddress,
                    getnameinfo(address, length, base, socklen_t(room.count), nil, 0, NI_NUMERICHOST) == 0
                else { return "" }
                return String(cString: base)
            }
        }
    }

    /// The path of a unix socket in the file system; nil for any other.
    public var path: String? {
        guard family == AF_UNIX, bytes.count > 2, bytes[2] != 0 else { return nil }
        return String(decoding: bytes.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The name of a unix socket without a file; nil for any other.
    public var abstractName: String? {
        guard family == AF_UNIX, bytes.count > 3, bytes[2] == 0 else { return nil }
        return String(decoding: bytes.dropFirst(3), as: UTF8.self)
    }

    /// `127.0.0.1:80`, `[::1]:80`, `unix:/run/a.socket`, `unix:@name` for one without a file, `unix` for one without a name.
    public var description: String {
        switch family {
        case AF_INET: "\(host):\(port)"
        case AF_INET6: "[\(host)]:\(port)"
        default: path.map { "unix:\($0)" } ?? abstractName.map { "unix:@\($0)" } ?? "unix"
        }
    }

    // MARK: The C struct

    /// The bytes of `sun_path`.
    private static let unixNameMax = 108
    private static let unixFamily = withUnsafeBytes(of: sa_family_t(AF_UNIX)) { Array($0) }

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
