// Every limit of the server in one place, with its default.

public import HttpWire

extension HTTPServer {
    /// The limits a server works by. The defaults are meant to be safe on the open Internet.
    public struct Configuration: Sendable {
        /// Limits of heads and chunk framing: 64 KiB and 128 fields (431), a target of 16 KiB (414).
        public var wire = WireLimits()
        /// The largest request body; beyond it the answer is 413.
        public var bodyBytesMax = 16 * 1024 * 1024
        /// How long a request head may take from its first byte to its last; then 408. A new connection has as long to
        /// send its first request.
        public var headTimeout = Duration.seconds(10)
        /// How long a connection may be idle between requests; then it is closed silently.
        public var idleTimeout = Duration.seconds(60)
        /// The least a peer must send of a body we wait for, or take of an answer it was sent, in bytes per second,
        /// averaged over `rateWindow`; else the connection is closed.
        public var rateFloor = 240
        /// The span over which `rateFloor` is averaged; shorter stalls are forgiven.
        public var rateWindow = Duration.seconds(10)
        /// How long a handler may go on after its peer has sent FIN, before it is cancelled.
        public var halfCloseGrace = Duration.seconds(2)
        /// How many connections may be open; more wait in the kernel's queue.
        public var connectionsMax = 50_000
        /// Unread request bodies up to this size are read and dropped to keep the connection; a larger one closes it.
        public var drainBytesMax = 64 * 1024
        /// What the `Server` field says; nil for none.
        public var serverName: String? = "coro"

        /// All the defaults.
        public init() {}
    }
}
