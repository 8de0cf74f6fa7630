// What the kernel is told about one connection: when to send, how much to keep, when to ask whether the peer is alive.
//
// There is no time to linger: with one, close(2) blocks even where the descriptor does not (socket(7), SO_LINGER), and with it
// the loop and everybody on it. Its two useful ends are here: the kernel sends what it has in the background, which is the
// default, or the connection is reset.

internal import CLoop
internal import Glibc

/// Options of a connection's socket. What is nil stays as it is.
///
/// A listener's options are inherited by the connections that it accepts, without a system call each. On unix sockets only
/// the buffer sizes count; the others are left out.
public struct SocketOptions: Equatable, Sendable {
    /// When the kernel asks a silent peer whether it is still there, and when it gives the connection up. Counted in whole
    /// seconds, rounded up (tcp(7)).
    public struct KeepAlive: Equatable, Sendable {
        /// How long a connection is silent before the first question.
        public var idle: Duration
        /// How long the kernel waits for an answer before it asks again.
        public var interval: Duration
        /// After how many questions without an answer the connection is broken (ETIMEDOUT).
        public var count: Int

        /// The times and the count; by default a peer that is gone is found out after two minutes.
        public init(idle: Duration = .seconds(60), interval: Duration = .seconds(15), count: Int = 4) {
            precondition(
                idle > .zero && interval > .zero && (1...127).contains(count),
                "Keep-alive needs times above zero and 1 to 127 questions; it got \(idle), \(interval) and \(count).")
            self.idle = idle
            self.interval = interval
            self.count = count
        }
    }

    /// Whether keep-alive questions are asked, and when.
    public enum KeepAliveSetting: Equatable, Sendable {
        /// None, which is the kernel's default: a peer that vanished without a word is found out by a write, or never.
        case off
        /// At these times.
        case on(KeepAlive)

        /// At the default times.
        public static var on: KeepAliveSetting { .on(KeepAlive()) }
    }

    /// Send each piece at once, without waiting for the peer to confirm the last (TCP_NODELAY): Nagle's algorithm off. True
    /// from the start on connections that a `Connector` or `Listener` made.
    public var noDelay: Bool?
    /// Whether the kernel asks a silent peer if it is still there (SO_KEEPALIVE).
    public var keepAlive: KeepAliveSetting?
    /// Whether closing sends RST and drops what the kernel has not sent (SO_LINGER with time zero), as `reset()` does once.
    public var resetsOnClose: Bool?
    /// How many bytes the kernel keeps of what was sent and not confirmed (SO_SNDBUF). It doubles the number for its
    /// bookkeeping, has a least and a most of its own, and by itself adapts the size, which this turns off (tcp(7)).
    public var sendBufferBytes: Int?
    /// How many bytes the kernel keeps of what has come and was not received (SO_RCVBUF); else as `sendBufferBytes`. On a
    /// connection made already it cannot make the window larger than was agreed: give it to the connector or listener.
    public var receiveBufferBytes: Int?

    /// Options that change what is named.
    public init(
        noDelay: Bool? = nil, keepAlive: KeepAliveSetting? = nil, resetsOnClose: Bool? = nil,
        sendBufferBytes: Int? = nil, receiveBufferBytes: Int? = nil
    ) {
        precondition((sendBufferBytes ?? 1) > 0 && (receiveBufferBytes ?? 1) > 0, "A socket's buffers are not empty.")
        self.noDelay = noDelay
        self.keepAlive = keepAlive
        self.resetsOnClose = resetsOnClose
        self.sendBufferBytes = sendBufferBytes
        self.receiveBufferBytes = receiveBufferBytes
    }

    func apply(to descriptor: Int32, family: Int32) throws(IOError) {
        if let sendBufferBytes { try set(SOL_SOCKET, SO_SNDBUF, Int32(clamping: sendBufferBytes)) }
        if let receiveBufferBytes { try set(SOL_SOCKET, SO_RCVBUF, Int32(clamping: receiveBufferBytes)) }
        guard family != AF_UNIX else { return }
        if let noDelay { try set(Int32(IPPROTO_TCP), TCP_NODELAY, noDelay ? 1 : 0) }
        switch keepAlive {
        case nil: break
        case .off: try set(SOL_SOCKET, SO_KEEPALIVE, 0)
        case .on(let times):
            try set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, times.idle.wholeSeconds)
            try set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, times.interval.wholeSeconds)
            try set(Int32(IPPROTO_TCP), TCP_KEEPCNT, Int32(clamping: times.count))
            try set(SOL_SOCKET, SO_KEEPALIVE, 1)
        }
        if let resetsOnClose {
            let result =
                resetsOnClose ? cloop_socket_reset_on_close(descriptor) : cloop_socket_linger_in_background(descriptor)
            try IOError.check(result, "setsockopt SO_LINGER")
        }

        func set(_ level: Int32, _ option: Int32, _ value: Int32) throws(IOError) {
            try Socket.set(descriptor, level, option, value)
        }
    }
}

extension Duration {
    /// As tcp(7) counts them: at least one, and no more than its 32767.
    fileprivate var wholeSeconds: Int32 {
        let (seconds, rest) = components
        return Int32(min(32_767, seconds + (rest > 0 ? 1 : 0)))
    }
}

extension ByteStream {
    /// Sets what `options` names on this connection. Loop's thread.
    ///
    /// - Throws: `StreamError.closed`, `.wrongThread`; `IOError` when the system refuses one, and those before it are set.
    public func set(_ options: SocketOptions) throws {
        try checkThread()
        guard channel.isOpen else { throw StreamError.closed }
        let family = try IOError.check(cloop_socket_get(channel.descriptor, SOL_SOCKET, SO_DOMAIN), "getsockopt")
        try options.apply(to: channel.descriptor, family: family)
    }
}
