// Makes connections: names to addresses, addresses to streams. Which address is tried when is `ConnectRace`'s.

/// Opens connections on one loop.
public struct Connector: Sendable {
    /// The loop the connections live on.
    public let loop: EventLoop
    /// Who turns host names into addresses.
    public let resolver: any Resolver
    /// How long an address may be silent before the next is tried beside it.
    public let attemptDelay: Duration
    /// Where connections come from; nil lets the system choose.
    public let source: SocketAddress?
    /// What the sockets are told before they connect.
    public let options: SocketOptions
    private let dial: Dialing

    /// Makes a connector; opens nothing.
    ///
    /// - Parameters:
    ///   - attemptDelay: how long an address may be silent before the next is tried beside it (RFC 8305 §5).
    ///   - source: the local address to connect from, with port 0 for one of the system's choice. Addresses of another
    ///     family then fail.
    ///   - options: what the sockets are told before they connect. One that the system refuses fails the attempt.
    public init(
        loop: EventLoop, resolver: some Resolver = .system, attemptDelay: Duration = .milliseconds(250),
        source: SocketAddress? = nil, options: SocketOptions = SocketOptions()
    ) {
        self.init(
            loop: loop, resolver: resolver, attemptDelay: attemptDelay, source: source, options: options
        ) { address, whenSettled in
            SocketAttempt(to: address, from: source, options: options, on: loop, whenSettled: whenSettled)
        }
    }

    /// With attempts of one's own.
    init(
        loop: EventLoop, resolver: any Resolver, attemptDelay: Duration, source: SocketAddress? = nil,
        options: SocketOptions = SocketOptions(), dial: @escaping Dialing
    ) {
        self.loop = loop
        self.resolver = resolver
        self.attemptDelay = attemptDelay
        self.source = source
        self.options = options
        self.dial = dial
    }

    /// Connects to the address of `host` that answers first.
    ///
    /// The task's deadline covers the name look-up and all attempts. These begin when an address is known, while others may still be
    /// looked up. See `connect(toFirstOf:)`.
    ///
    /// - Runs on: the loop's thread.
    /// - Throws: `ConnectError`, `CancellationError`, `LoopError.closed`; `StreamError.wrongThread` on any other thread.
    ///   Every socket but the one that won is closed.
    public func connect(host: String, port: UInt16) async throws -> ByteStream {
        try await connect(host: host, port: port, whenResolved: { _ in })
    }

    /// The same; calls `whenResolved` before the first address is tried, with those that are known then.
    package func connect(
        host: String, port: UInt16, whenResolved: ([SocketAddress]) -> Void
    ) async throws -> ByteStream {
        try checkThread()
        let race = ConnectRace(delay: attemptDelay, on: loop, dial: dial)
        do {
            return try await loop.withScope { scope in
                let lookUp = scope.spawn(name: "the addresses of \(host)") { await resolve(host, port, for: race) }
                defer { lookUp.cancel() }
                return try await race.run(whenBegun: whenResolved)
            }
        } catch let error as ResolveError {
            throw ConnectError.resolve(error)
        } catch is TimeoutError {
            let phase = race.isEmpty ? ConnectError.Phase.resolving(host) : .connecting(race.undecided)
            throw ConnectError.timeout(phase, failures: race.failures)
        }
    }

    private func resolve(_ host: String, _ port: UInt16, for race: ConnectRace) async {
        do {
            try await resolver.findAddresses(of: host, port: port, on: loop) { addresses in
                // A resolver of the user's may not keep to its thread.
                if loop.isCurrent { race.add(addresses) } else { loop.addCallback { race.add(addresses) } }
            }
            race.complete(race.isEmpty ? ResolveError(host: host, reason: "it has no address") : nil)
        } catch {
            race.complete(error)
        }
    }

    /// Connects to the first of `addresses`, of which there is at least one, that answers.
    ///
    /// They are tried in their order, families taking turns, the next one as soon as one has failed or been silent for
    /// `attemptDelay`; earlier ones go on meanwhile. The first to connect wins, the others are closed (RFC 8305).
    ///
    /// - Runs on: the loop's thread.
    /// - Throws: as `connect(host:port:)`.
    public func connect(toFirstOf addresses: [SocketAddress]) async throws -> ByteStream {
        precondition(!addresses.isEmpty, "connect(toFirstOf:) needs at least one address")
        try checkThread()
        let race = ConnectRace(delay: attemptDelay, on: loop, dial: dial)
        race.add(addresses)
        race.complete()
        do {
            return try await race.run()
        } catch is TimeoutError {
            throw ConnectError.timeout(.connecting(race.undecided), failures: race.failures)
        }
    }

    /// Connects to one address.
    ///
    /// - Throws: as `connect(host:port:)`.
    public func connect(to address: SocketAddress) async throws -> ByteStream {
        try await connect(toFirstOf: [address])
    }

    private func checkThread() throws {
        if loop.isClosed, !loop.isCurrent { throw LoopError.closed }
        guard loop.isCurrent else { throw StreamError.wrongThread }
    }
}
