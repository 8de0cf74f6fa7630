// Names to addresses: getaddrinfo(3), which blocks, on a small pool of threads, so that one slow name delays no other.

internal import CLoop
internal import Glibc

/// A host name that could not be turned into addresses.
public struct ResolveError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name that was looked up.
    public let host: String
    /// Why it has no address, as the resolver says.
    public let reason: String

    /// Makes the error, for resolvers of your own.
    public init(host: String, reason: String) {
        self.host = host
        self.reason = reason
    }

    public var description: String { "Could not resolve host \(host): \(reason)" }
}

/// Turns host names into addresses.
public struct Resolver: Sendable {
    private let pool: ThreadPool

    /// The system's resolver: hosts file, DNS, whatever nsswitch.conf says; shared by all loops of the process.
    public static let system = Resolver(pool: ThreadPool(threadsMax: 4, name: "coro-resolver"))

    /// The addresses of `host`, in the order to try them (RFC 6724). An address literal is its own answer.
    ///
    /// - Suspends: while a thread of the pool asks. Cancelling ends the wait; a question that is being asked goes on.
    /// - Throws: `ResolveError`, `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func addresses(of host: String, port: UInt16, on loop: EventLoop) async throws -> [SocketAddress] {
        if let literal = SocketAddress(ip: host, port: port) { return [literal] }
        guard !host.isEmpty, !host.utf8.contains(0), host.utf8.count <= 253 else {
            throw ResolveError(host: host, reason: "this is not a host name")
        }
        // The outcome as a value: a name that turns out bad after everybody has gone is nothing to report.
        return try await loop.runBlocking(on: pool) { Resolver.ask(host, port) }.get()
    }

    private static func ask(_ host: String, _ port: UInt16) -> Outcome<[SocketAddress]> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        // Only families this machine has an address of (getaddrinfo(3)).
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &found)
        guard result == 0 else {
            return .failed(ResolveError(host: host, reason: String(cString: gai_strerror(result))))
        }
        defer { freeaddrinfo(found) }
        var addresses: [SocketAddress] = []
        var entry = found
        while let info = entry?.pointee {
            if let address = info.ai_addr { addresses.append(SocketAddress(address, length: info.ai_addrlen)) }
            entry = info.ai_next
        }
        return .finished(addresses)
    }
}
