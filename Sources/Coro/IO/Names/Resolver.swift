// Names to addresses: what a resolver is, and the one that answers from a table. The system's is `SystemResolver`.

/// Turns host names into addresses. Conform to it to bring your own.
public protocol Resolver: Sendable {
    /// The addresses of `host`, in the order to try them, each with `port`.
    ///
    /// - Throws: `ResolveError` when it has none; `CancellationError`, `TimeoutError`, `LoopError.closed`.
    func addresses(of host: String, port: UInt16, on loop: EventLoop) async throws -> [SocketAddress]

    /// The same for who can begin with a part of them: calls `found` with addresses as they become known, once or more often, and
    /// returns when no more will come.
    ///
    /// Without one of your own: once, with all that `addresses(of:port:on:)` returns.
    ///
    /// - Parameter found: to be called on the loop's thread; an address that comes again is not taken twice.
    /// - Throws: as `addresses(of:port:on:)`. What was found before stays good.
    func findAddresses(
        of host: String, port: UInt16, on loop: EventLoop, found: @escaping @Sendable ([SocketAddress]) -> Void
    ) async throws
}

extension Resolver {
    public func findAddresses(
        of host: String, port: UInt16, on loop: EventLoop, found: @escaping @Sendable ([SocketAddress]) -> Void
    ) async throws {
        found(try await addresses(of: host, port: port, on: loop))
    }
}

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

/// A table in front of another resolver: names that stand for what you say.
///
///     var resolver = OverrideResolver()
///     resolver.override("api.test", port: 443, with: [.loopback(port: 8443)])
///     let client = HTTPClient(on: loop, resolver: resolver)
///
/// For tests, and for what `curl --resolve` is for.
public struct OverrideResolver: Resolver {
    private struct Key: Hashable, Sendable {
        let host: String
        let port: UInt16?
    }

    private var table: [Key: [SocketAddress]] = [:]
    private let next: any Resolver

    /// Makes an empty table; names that are not in it go on to `next`.
    public init(otherwise next: some Resolver = .system) { self.next = next }

    /// Says what `host` stands for, at one port or, without one, at all that have no entry of their own.
    ///
    /// An address with port 0 takes the port that is asked for, any other keeps its own. An empty list lets the name have
    /// no address. Letters of either case are the same in a name.
    public mutating func override(_ host: String, port: UInt16? = nil, with addresses: [SocketAddress]) {
        table[Key(host: host.lowercased(), port: port)] = addresses
    }

    public func addresses(of host: String, port: UInt16, on loop: EventLoop) async throws -> [SocketAddress] {
        if let known = try overridden(host, port) { return known }
        return try await next.addresses(of: host, port: port, on: loop)
    }

    public func findAddresses(
        of host: String, port: UInt16, on loop: EventLoop, found: @escaping @Sendable ([SocketAddress]) -> Void
    ) async throws {
        if let known = try overridden(host, port) { return found(known) }
        try await next.findAddresses(of: host, port: port, on: loop, found: found)
    }

    private func overridden(_ host: String, _ port: UInt16) throws(ResolveError) -> [SocketAddress]? {
        let name = host.lowercased()
        guard let known = table[Key(host: name, port: port)] ?? table[Key(host: name, port: nil)] else { return nil }
        guard !known.isEmpty else { throw ResolveError(host: host, reason: "it is overridden to have no address") }
        return known.map { $0.port == 0 ? $0.with(port: port) : $0 }
    }
}
