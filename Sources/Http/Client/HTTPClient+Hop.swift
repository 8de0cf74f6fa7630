// One request to one server: a place in line, a connection, an exchange, and a second try when an idle connection was
// already dead.

internal import Coro
internal import CoroTLS
internal import HttpWire

extension HTTPClient {
    /// Sends `request` to its origin and returns the final head, with the body to come.
    func hop(
        _ request: Request, timings: Timings, redirectCount: Int, deadline: LoopInstant?
    ) async throws -> Response {
        if request.url.scheme == .https, !ClientSecurity.isBuiltIn { throw HTTPClientError.unsupportedScheme("https") }
        var timings = timings
        let lease = try await phase(.queue) { try await pool.lease(Origin(request.url)) }
        timings.pass(\.queued, at: loop.now)
        var mayReuse = true
        while true {
            var isReused = false
            let stream: ByteStream
            if mayReuse, let idle = lease.reuse() {
                stream = idle
                isReused = true
                request.observer?(.reused(remote: stream.peerAddress))
            } else {
                stream = try await dial(request, &timings)
                lease.fill(with: stream)
            }
            timings.pass(\.secured, at: isReused ? nil : loop.now)
            let exchange = Exchange(request, on: stream, lease: lease, configuration: configuration)
            do {
                let head = try await exchange.run(&timings)
                return Response(
                    head: head, body: exchange.body(after: head, deadline: deadline), url: request.url,
                    redirectCount: redirectCount, isConnectionReused: isReused, remoteAddress: exchange.remoteAddress,
                    localAddress: exchange.localAddress, tls: exchange.tls, timings: timings)
            } catch let error as HTTPClientError where isReused && exchange.mayRetry(after: error) {
                // RFC 9112 §9.3.1: the server may close an idle connection just as we use it. Once, on a fresh one.
                exchange.stop()
                pool.dropIdle(lease.origin)
                request.observer?(.retried(because: error))
                mayReuse = false
            } catch {
                exchange.stop()
                lease.end(isReusable: false)
                throw error
            }
        }
    }

    private func dial(_ request: Request, _ timings: inout Timings) async throws -> ByteStream {
        let url = request.url
        // A port in a URL is 1 to 65535 by its type's promise.
        let port = UInt16(truncatingIfNeeded: url.port)
        let limit = configuration.connectTimeout > .zero ? configuration.connectTimeout : .seconds(Int64.max)
        let connectDeadline = loop.now.advanced(by: limit)
        let stream = try await phase(.connect) {
            try await loop.withDeadline(connectDeadline) {
                try await connector.connect(host: url.host, port: port) { addresses in
                    timings.pass(\.resolved, at: loop.now)
                    request.observer?(.resolved(addresses))
                }
            }
        }
        timings.pass(\.connected, at: loop.now)
        request.observer?(.connected(local: stream.localAddress, remote: stream.peerAddress))
        guard url.scheme == .https else { return stream }
        try await phase(.tls) {
            try await loop.withDeadline(connectDeadline) {
                try await security.secure(stream, host: url.host, port: port)
            }
        }
        if let session = stream.tls { request.observer?(.secured(session)) }
        return stream
    }

    private func phase<Result>(
        _ phase: HTTPClientError.Phase, _ operation: () async throws -> Result
    ) async throws -> Result {
        do { return try await operation() } catch { throw HTTPClientError.explain(error, phase: phase) }
    }
}

extension HTTPClient.Timings {
    /// Notes that a point was passed at `instant`, or without any work, and that those after it cannot lie before it.
    mutating func pass(_ point: WritableKeyPath<Self, Duration>, at instant: LoopInstant?) {
        let points: [WritableKeyPath<Self, Duration>] = [
            \.queued, \.resolved, \.connected, \.secured, \.sent, \.answered,
        ]
        guard let index = points.firstIndex(of: point) else { return }
        if let instant { self[keyPath: point] = started.duration(to: instant) }
        for later in points[index...].dropFirst() { self[keyPath: later] = self[keyPath: point] }
    }
}
