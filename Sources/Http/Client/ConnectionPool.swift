// Which connections there are: a place in line for each that is in use, a list of those that are idle.
//
// A fetch first gets a place of its origin's few, and only then a connection: an idle one if there is any, a new one
// otherwise. So the limit holds while connections are still being made, and there is one queue and not two.

internal import Coro
internal import HttpWire

/// What connections are kept apart by (RFC 9110 §4.3.1).
struct Origin: Hashable, Sendable {
    let scheme: HTTPURL.Scheme
    let host: String
    let port: Int

    init(_ url: HTTPURL) {
        scheme = url.scheme
        host = url.host
        port = url.port
    }
}

final class ConnectionPool: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only; a lease dropped elsewhere sends itself there.

    let loop: EventLoop
    private let limits: HTTPClient.ConnectionLimits
    private var lines: [Origin: Line] = [:]
    /// Oldest first. Few enough that looking through them is cheaper than keeping them sorted.
    private var idle: [IdleConnection] = []

    /// The places of one origin.
    private struct Line {
        var active = 0
        var waiting: [Ticket] = []
    }

    /// One fetch in line.
    private final class Ticket {
        let promise: Promise<Void>
        var isCalled = false

        init(on loop: EventLoop) { promise = Promise(on: loop) }
    }

    init(loop: EventLoop, limits: HTTPClient.ConnectionLimits) {
        self.loop = loop
        self.limits = limits
    }

    // MARK: Places

    /// Waits for a place; first come, first served. The lease gives it back when it ends.
    func lease(_ origin: Origin) async throws -> Lease {
        if lines[origin, default: Line()].active < max(limits.perOrigin, 1) {
            lines[origin, default: Line()].active += 1
        } else {
            try await waitInLine(origin)
        }
        return Lease(pool: self, origin: origin)
    }

    private func waitInLine(_ origin: Origin) async throws {
        let ticket = Ticket(on: loop)
        lines[origin, default: Line()].waiting.append(ticket)
        do {
            try await ticket.promise.future.value
        } catch {
            // Called and cancelled in one iteration: the place is ours and goes to the next.
            if ticket.isCalled {
                leave(origin)
            } else {
                lines[origin]?.waiting.removeAll { $0 === ticket }
            }
            throw error
        }
    }

    /// Gives a place to the next in line.
    func leave(_ origin: Origin) {
        guard var line = lines[origin] else { return }
        if line.waiting.isEmpty {
            line.active -= 1
        } else {
            let next = line.waiting.removeFirst()
            next.isCalled = true
            next.promise.trySucceed(())
        }
        lines[origin] = line.active > 0 ? line : nil
    }

    // MARK: Idle connections

    /// The idle connection that was used last, if it is still good.
    func takeIdle(_ origin: Origin) -> ByteStream? {
        while let index = idle.lastIndex(where: { $0.origin == origin }) {
            let connection = idle.remove(at: index)
            connection.wakeUp()
            // Silence is the only thing an idle connection may say: an end, an error or stray bytes disqualify it, those
            // of this very moment too, of which the loop has not heard yet.
            if case .wouldBlock = connection.stream.receiveUnannouncedNow() { return connection.stream }
            connection.stream.close()
        }
        return nil
    }

    /// Keeps a connection whose exchange is complete.
    func keep(_ stream: ByteStream, for origin: Origin) {
        guard limits.idlePerOrigin > 0, limits.idle > 0, limits.idleTimeout > .zero else { return stream.close() }
        let connection = IdleConnection(stream: stream, origin: origin)
        idle.append(connection)
        connection.fallAsleep(for: limits.idleTimeout) { [weak self] in self?.drop($0) }
        if idle.count(where: { $0.origin == origin }) > limits.idlePerOrigin {
            idle.first { $0.origin == origin }.map(drop)
        } else if idle.count > limits.idle {
            idle.first.map(drop)
        }
    }

    /// Closes all idle connections to `origin`: one was found dead, and the others are as old.
    func dropIdle(_ origin: Origin) {
        for connection in idle where connection.origin == origin { drop(connection) }
    }

    private func drop(_ connection: IdleConnection) {
        idle.removeAll { $0 === connection }
        connection.wakeUp()
        connection.stream.close()
    }
}

/// A connection that waits for its next use, and notices when the server or time ends it.
private final class IdleConnection: StreamObserver, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only; `deinit` only cancels the timer, which any may.

    let stream: ByteStream
    let origin: Origin
    private var timer: LoopTimer?
    private var onEnd: ((IdleConnection) -> Void)?

    init(stream: ByteStream, origin: Origin) {
        self.stream = stream
        self.origin = origin
    }

    deinit { timer?.cancel() }

    func fallAsleep(for timeout: Duration, onEnd: @escaping (IdleConnection) -> Void) {
        self.onEnd = onEnd
        stream.observe(self)
        timer = stream.loop.callLater(timeout) { [weak self] in self?.end() }
    }

    func wakeUp() {
        stream.observe(nil)
        timer?.cancel()
        timer = nil
        onEnd = nil
    }

    func peerFinished() { end() }
    func peerVanished() { end() }

    private func end() { onEnd?(self) }
}
