// One place among an origin's connections, and the connection that fills it. However the exchange ends, by its last
// byte, an error, a cancel, or a response that nobody read and everybody dropped, it ends here, once.

internal import Coro

final class Lease: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used by one fetch, then by its response's reader, on the loop's thread; `deinit`
    // has the only reference left and sends to the loop what belongs there.

    let origin: Origin
    private weak var pool: ConnectionPool?
    private let loop: EventLoop
    private(set) var stream: ByteStream?
    private var isEnded = false

    init(pool: ConnectionPool, origin: Origin) {
        self.pool = pool
        self.origin = origin
        loop = pool.loop
    }

    deinit {
        guard !isEnded else { return }
        // The stream closes itself when it goes, which is now; the place must be given back by hand.
        let pool = pool
        let origin = origin
        if loop.isCurrent { pool?.leave(origin) } else { loop.addCallback { pool?.leave(origin) } }
    }

    /// Fills the place with an idle connection; nil when there is none.
    func reuse() -> ByteStream? {
        stream = pool?.takeIdle(origin)
        return stream
    }

    /// Fills the place with a new connection, in place of the one it may have.
    func fill(with new: ByteStream) {
        stream?.close()
        stream = new
    }

    /// Ends the lease: the connection goes back to the pool if it may be used again, and is closed if not.
    func end(isReusable: Bool) {
        guard !isEnded else { return }
        isEnded = true
        if let stream, isReusable, let pool {
            pool.keep(stream, for: origin)
        } else {
            stream?.close()
        }
        stream = nil
        pool?.leave(origin)
    }
}
