// The other side's end, for those who do not read: a long poll that nobody waits for any more, a stream of events whose
// listener has left. A stream is told by the kernel whether somebody reads or not, since it is registered once for all.

/// How the other side of a connection has gone.
public enum PeerEnd: Sendable {
    /// It will send no more (FIN), and may still read.
    case finished
    /// The connection is over in both directions: it was reset, broken, or closed by a peer on this machine.
    case vanished
}

extension ByteStream {
    /// Suspends until the peer has gone, without reading: for code that has nothing to read and wants to stop in time.
    ///
    /// ```swift
    /// try await loop.withScope { scope in
    ///     scope.spawn {
    ///         try await stream.peerEnd()
    ///         scope.cancel()
    ///     }
    ///     try await report(to: stream)
    ///     scope.cancel()
    /// }
    /// ```
    ///
    /// What the peer sent before can still be read, and a read tells better how it ended. An end that has come already is
    /// told at once. Several tasks may wait, beside one that reads and one that writes. Over TLS this is the connection's
    /// end; a close_notify alone is told to who reads.
    ///
    /// - Returns: what the kernel has said so far.
    /// - Throws: why the stream was closed here, or `.closed`; `StreamError.wrongThread`; what ends any wait, which then has
    ///   not happened.
    @discardableResult
    public func peerEnd() async throws -> PeerEnd {
        guard loop.isCurrent else { throw StreamError.wrongThread }
        try await channel.waitUntilPeerEnds()
        if let reason = channel.closeReason { throw reason }
        return channel.peerEnd ?? .vanished
    }

    /// Who is told that the peer has gone.
    package func observe(_ observer: (any StreamObserver)?) { channel.observer = observer }
}

/// Told when the other side is gone while nobody reads. Held weakly by the stream.
package protocol StreamObserver: AnyObject {
    /// The peer sent FIN: it will send no more, but may still read. Loop's thread.
    func peerFinished()
    /// The connection is broken in both directions (RST, hang-up). Loop's thread.
    func peerVanished()
}

extension StreamChannel {
    /// Suspends until the peer has gone or the channel is closed.
    func waitUntilPeerEnds() async throws {
        try await park(on: loop, for: "the peer's end") { waiter in
            guard self.isOpen, self.peerEnd == nil else { return waiter.wake(.ready) }
            self.endWatchers.append(waiter)
            waiter.whenWoken { self.endWatchers.removeAll { $0 === waiter } }
        }
    }

    /// Tells of the peer's end, after whoever reads has been woken for what came before it.
    func tellPeerEnd(_ end: PeerEnd) {
        wakeEndWatchers()
        guard let observer else { return }
        switch end {
        case .finished: observer.peerFinished()
        case .vanished: observer.peerVanished()
        }
    }

    func wakeEndWatchers() {
        // Taken out first: each takes itself off the list as it wakes.
        var watchers: [Waiter] = []
        swap(&watchers, &endWatchers)
        for waiter in watchers { waiter.wake(.ready) }
    }
}
