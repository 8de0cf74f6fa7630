// A server on one loop: accepts, hands each connection its task, watches the clock for all of them, drains at the end.
//
// Deadlines of ten thousand connections are not ten thousand timers: each connection stores the instant it is due, a
// plain number, and one sweep a second looks at all. Arming and cancelling, which happen with every request, are a store.

public import Coro
public import HttpWire

/// An HTTP/1.1 server.
///
/// One task per connection; the handler is awaited inside it, on the loop's thread. Requests that a client pipelines are
/// answered in order.
///
///     let server = HTTPServer(on: loop) { request in .text("Hello, \(request.path)\n") }
///     try await server.listen(on: .loopback(port: 8000))
///
/// - Runs on: its loop. For several cores, one server and one loop a thread, listening with `reusePort`.
public final class HTTPServer: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): mutable state is touched on the loop's thread only.

    /// Answers a request. Cancelled when the peer is gone. A thrown `Refusal` is an answer; anything else thrown is
    /// reported and answered with 500.
    public typealias Handler = @Sendable (Request) async throws -> Response

    /// The loop it serves on.
    public let loop: EventLoop
    /// The limits it was given.
    public let configuration: Configuration
    let answerer: Answerer
    /// Called after each answer, when somebody wants to know.
    public let whenAnswered: (@Sendable (Exchange) -> Void)?

    let prepared: PreparedHead
    private var listeners: [Listener] = []
    private var connections: [ServerConnection] = []
    private var sweeper: LoopTimer?
    private var slotFreed: Promise<Void>?
    private var drained: Promise<Void>?
    /// True once `shutdown` has begun: every answer from then on closes its connection.
    private(set) var isDraining = false

    /// Makes a server; `listen` starts it.
    public init(
        on loop: EventLoop, configuration: Configuration = Configuration(),
        whenAnswered: (@Sendable (Exchange) -> Void)? = nil, handler: @escaping Handler
    ) {
        self.loop = loop
        self.configuration = configuration
        answerer = .handler(handler)
        self.whenAnswered = whenAnswered
        prepared = PreparedHead(serverName: configuration.serverName)
    }

    /// Makes a server that answers by the routes of `router`.
    public init(
        on loop: EventLoop, configuration: Configuration = Configuration(),
        whenAnswered: (@Sendable (Exchange) -> Void)? = nil, router: Router
    ) {
        self.loop = loop
        self.configuration = configuration
        answerer = .router(router)
        self.whenAnswered = whenAnswered
        prepared = PreparedHead(serverName: configuration.serverName)
    }

    /// Who answers. A router is more than a handler to the server: it finds without suspending, so that the handler it
    /// finds is awaited by the connection itself, one async frame and one hop less for every request.
    enum Answerer {
        case handler(Handler)
        case router(Router)
    }

    /// Makes a server whose handler returns a future: a generator-style coroutine is a handler.
    public convenience init(
        on loop: EventLoop, configuration: Configuration = Configuration(),
        whenAnswered: (@Sendable (Exchange) -> Void)? = nil,
        future handler: @escaping @Sendable (Request) -> Future<Response>
    ) {
        self.init(on: loop, configuration: configuration, whenAnswered: whenAnswered) { request in
            let future = handler(request)
            return try await withTaskCancellationHandler {
                try await future.value
            } onCancel: {
                future.cancel()
            }
        }
    }

    // MARK: Listening

    /// Starts accepting connections on `address`. May be called for several addresses.
    ///
    /// - Returns: the address, with the port the kernel chose when 0 was asked for.
    /// - Throws: `IOError` when it cannot be bound; `LoopError.closed`.
    @discardableResult
    public func listen(on address: SocketAddress, reusePort: Bool = false) async throws -> SocketAddress {
        try await listen(on: address, reusePort: reusePort, securedBy: nil)
    }

    /// Starts accepting the connections of a listener of yours: one with socket options or a unix socket's mode, or at a socket
    /// that this process was started with.
    ///
    ///     for inherited in InheritedDescriptor.all() {
    ///         try await server.listen(on: Listener(takingOver: inherited.descriptor, on: loop))
    ///     }
    ///
    /// The listener is the server's from then on, which closes it at its shutdown; nobody else may accept from it.
    ///
    /// - Parameter listener: one on the server's loop.
    /// - Throws: `LoopError.closed`.
    public func listen(on listener: Listener) async throws { try await listen(on: listener, securedBy: nil) }

    /// Starts accepting connections, which are secured first if there is something to do it by.
    func listen(
        on address: SocketAddress, reusePort: Bool, securedBy security: ServerSecurity?
    ) async throws -> SocketAddress {
        if !loop.isCurrent {
            return try await loop.spawn {
                try await self.listen(on: address, reusePort: reusePort, securedBy: security)
            }.value
        }
        let listener = try Listener(on: loop, address: address, reusePort: reusePort)
        try await listen(on: listener, securedBy: security)
        return listener.address
    }

    func listen(on listener: Listener, securedBy security: ServerSecurity?) async throws {
        precondition(listener.loop === loop, "A server accepts on its own loop; this listener is on another.")
        if !loop.isCurrent {
            return try await loop.spawn { try await self.listen(on: listener, securedBy: security) }.value
        }
        guard !isDraining else { return listener.close() }
        listeners.append(listener)
        loop.spawn { try await self.accept(from: listener, security) }
    }

    private func accept(from listener: Listener, _ security: ServerSecurity?) async throws {
        while !isDraining {
            while connections.count >= configuration.connectionsMax {
                let promise = slotFreed ?? loop.promise(of: Void.self)
                slotFreed = promise
                try await promise.future.value
            }
            guard let stream = try await listener.accept() else { return }
            start(stream, security)
        }
    }

    private func start(_ stream: ByteStream, _ security: ServerSecurity?) {
        let connection = ServerConnection(
            server: self, stream: stream, index: connections.count, security: security)
        connections.append(connection)
        if sweeper == nil { sweep() }
        // Immediate: its first read happens now, in this job, and often finds the request there already. Detached: copies
        // of the accepting task's locals would cost each connection a kilobyte.
        connection.task = _Concurrency.Task.immediateDetached(executorPreference: loop) { await connection.run() }
    }

    /// Called by a connection at its end.
    func remove(_ connection: ServerConnection) {
        // The last one takes the free place, so that leaving is as cheap as coming.
        let index = connection.index
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.index = index
        }
        slotFreed.take()?.trySucceed(())
        if connections.isEmpty { drained?.trySucceed(()) }
    }

    // MARK: Heads

    /// Heads that no connection needs now. An idle connection gives its own back: it is the largest thing it would hold.
    @exclusivity(unchecked) private var spareHeads: [RequestHead] = []
    private static let spareHeadsMax = 64

    func borrowHead() -> RequestHead { spareHeads.popLast() ?? RequestHead() }

    /// Takes a head out of its connection's hands; it is lent again only if no handler has kept it.
    func giveBack(_ head: inout RequestHead?) {
        let isFree = isKnownUniquelyReferenced(&head)
        guard let spare = head.take(), isFree, spareHeads.count < HTTPServer.spareHeadsMax else { return }
        spareHeads.append(spare)
    }

    /// How many connections are open; those that are being secured count.
    public var connectionCount: Int { connections.count }

    /// How many connections to secure ports ended before they were secure: clients that did not trust us or that we did
    /// not let in, clients that spoke plain HTTP, scanners.
    public internal(set) var refusedCount = 0

    // MARK: The clock

    private static let sweepInterval = Duration.seconds(1)
    /// A connection that has been quiet for a second is in no cache: to look at so many takes some tens of microseconds.
    private static let sweptInTurn = 128

    /// Looks at all connections, a part of them in each iteration, and again in a second.
    private func sweep() {
        sweep(before: connections.count)
        if connections.isEmpty {
            sweeper = nil
        } else {
            sweeper = loop.callLater(HTTPServer.sweepInterval) { [weak self] in self?.sweep() }
        }
    }

    /// Looks at those before `end` in the list, the last ones first: who leaves meanwhile has its place taken by the last of
    /// all, which has been looked at, and who comes is younger than any limit.
    private func sweep(before end: Int) {
        let end = min(end, connections.count)
        let start = max(0, end - HTTPServer.sweptInTurn)
        let now = loop.iterationTime
        for connection in connections[start..<end].reversed() { connection.look(at: now) }
        if start > 0 { loop.addCallback { [weak self] in self?.sweep(before: start) } }
    }

    // MARK: Ending

    /// Stops: accepts nothing more, closes idle connections, lets requests under way finish, and after `grace` cancels
    /// what is left.
    ///
    /// - Returns: when the last connection is closed.
    public func shutdown(grace: Duration = .seconds(10)) async {
        if !loop.isCurrent {
            _ = try? await loop.spawn { await self.shutdown(grace: grace) }.value
            return
        }
        isDraining = true
        for listener in listeners { listener.close() }
        listeners = []
        slotFreed.take()?.trySucceed(())
        guard !connections.isEmpty else { return }
        let promise = drained ?? loop.promise(of: Void.self)
        drained = promise
        for connection in connections { connection.drain() }
        do {
            try await loop.withTimeout(grace) { try await promise.future.value }
        } catch {
            for connection in connections { connection.abort() }
            try? await promise.future.value
        }
        sweeper?.cancel()
        sweeper = nil
    }
}

extension HTTPServer {
    /// One request and its answer, for logs.
    public struct Exchange: Sendable {
        /// The request. Keeping it keeps its head in memory.
        public let request: Request
        /// The status that was answered.
        public let status: Status
        /// Bytes of the answer, head and framing included, as far as they went.
        public let bytesSent: Int
        /// From the end of the request's head to the last byte handed to the stream.
        public let duration: Duration
    }
}
