// The client as its user sees it, and the journey of one fetch: hop after hop until an answer is final. One hop is in
// `HTTPClient+Hop.swift`, where the next one leads in `Redirection.swift`, connections come from `ConnectionPool`.

public import Coro
public import HttpWire

/// An HTTP/1.1 client on one event loop, with a pool of connections.
///
/// ```swift
/// let client = HTTPClient(on: loop)
/// let response = try await client.get("http://example.test/")
/// print(response.status, try await response.body.text())
/// ```
///
/// - Runs on: its loop's thread; `fetch` in its returning-a-future form may be called from any thread.
/// - Needs no shutdown: dropping the client closes its idle connections, and answers being read live on to their end.
public final class HTTPClient: Sendable {
    /// The loop everything of this client runs on.
    public let loop: EventLoop
    /// What was asked for at the start.
    public let configuration: Configuration

    let pool: ConnectionPool
    let connector: Connector
    let security: ClientSecurity

    /// Makes a client. Nothing is connected before the first fetch.
    public init(
        on loop: EventLoop, configuration: Configuration = Configuration(), resolver: some Resolver = .system
    ) {
        self.loop = loop
        self.configuration = configuration
        pool = ConnectionPool(loop: loop, limits: configuration.connections)
        connector = Connector(loop: loop, resolver: resolver)
        security = ClientSecurity(configuration.security)
    }

    // MARK: Fetching

    /// Sends a request and returns its answer as soon as the head is there; the body is read from the response.
    ///
    /// Every status is an answer: 404 does not throw. Redirects are followed as the request or the configuration says.
    /// The timeout begins here and covers the wait for a free connection, the name look-up, connecting, the TLS
    /// handshake, sending, the head, and every later read of the body.
    ///
    /// - Suspends: until the final head has come. Cancelling closes the connection and frees its place at once.
    /// - Returns: a response that holds its connection until its body has been read to the end or it is dropped. Read
    ///   bodies to their end: that is what lets the next request use the connection.
    /// - Throws: `HTTPClientError` with the cause; `CancellationError`; what the request's own streaming body throws;
    ///   `StreamError.wrongThread` off the loop; `LoopError.closed`; `IOError` when descriptors have run out.
    /// - Source: RFC 9110, RFC 9112.
    public func fetch(_ request: Request) async throws -> Response {
        guard loop.isCurrent else { throw StreamError.wrongThread }
        let timeout = request.timeout ?? configuration.timeout
        let started = loop.now
        guard timeout > .zero else { return try await follow(request, started: started, deadline: nil) }
        let deadline = started.advanced(by: timeout)
        return try await loop.withDeadline(deadline) {
            try await follow(request, started: started, deadline: deadline)
        }
    }

    /// Starts a fetch and returns the future of its answer: `co.yield(client.fetch(request))`.
    ///
    /// Cancelling the future cancels the fetch. May be called from any thread. Otherwise as the `async` form.
    public func fetch(
        _ request: Request, file: StaticString = #fileID, line: UInt = #line
    ) -> Future<Response> {
        loop.spawn(file: file, line: line) { try await self.fetch(request) as Response }.future
    }

    /// Starts a GET of a URL and returns the future of its answer: `co.yield(client.fetch(url))`. A malformed URL fails the
    /// future; nothing is thrown here. Otherwise as the form with a request.
    public func fetch(_ url: String, file: StaticString = #fileID, line: UInt = #line) -> Future<Response> {
        loop.spawn(file: file, line: line) { try await self.get(url) }.future
    }

    /// Gets a URL. See `fetch`.
    public func get(_ url: String, fields: Fields = [:]) async throws -> Response {
        try await fetch(Request(.get, url, fields: fields))
    }

    /// Posts a body to a URL. See `fetch`.
    public func post(_ url: String, _ body: OutgoingBody, fields: Fields = [:]) async throws -> Response {
        try await fetch(Request(.post, url, fields: fields, body: body))
    }

    // MARK: The journey

    private func follow(_ request: Request, started: LoopInstant, deadline: LoopInstant?) async throws -> Response {
        let policy = request.redirects ?? configuration.redirects
        var request = try request.withCredentialsAsField()
        var timings = Timings(started: started)
        var redirectCount = 0
        while true {
            let response = try await hop(request, timings: timings, redirectCount: redirectCount, deadline: deadline)
            guard case .follow(let limit) = policy, let next = try Redirection.next(after: response, to: request) else {
                return response
            }
            guard redirectCount < limit else { throw HTTPClientError.tooManyRedirects(limit: limit) }
            redirectCount += 1
            request.observer?(.redirected(to: next.url))
            // A short page about the redirect is read so that the connection can be used again; a long one is not worth it.
            if let length = response.body.length, length <= Redirection.bodyWorthReading {
                _ = try await response.body.drain(upTo: length)
            }
            timings = Timings(started: started, redirected: started.duration(to: loop.now))
            request = next
        }
    }
}
