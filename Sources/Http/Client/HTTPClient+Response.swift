// What came back.

public import Coro
public import CoroTLS
public import HttpWire

extension HTTPClient {
    /// An answer: its head, and a body that is read as it arrives.
    ///
    /// It holds its connection until the body has been read to the end; dropping it earlier closes the connection.
    public struct Response: Sendable {
        /// The head as it came.
        public let head: ResponseHead
        /// The body. `text()` and `collect()` read it whole, `for try await` piece by piece.
        ///
        /// Reading throws `HTTPClientError`: `truncated`, `timeout`, `receiveFailed`, `malformedResponse`; and
        /// `BodyError.tooLarge`.
        public let body: IncomingBody
        /// The URL that gave this answer, after redirects, without user and password.
        public let url: HTTPURL
        /// How many redirects led here.
        public let redirectCount: Int
        /// Whether the connection had carried an exchange before.
        public let isConnectionReused: Bool
        /// The server's address.
        public let remoteAddress: SocketAddress?
        /// This side's address.
        public let localAddress: SocketAddress?
        /// What was agreed on with the server, its certificate above all; nil for plain HTTP.
        public let tls: TLSSession?
        /// When what happened, up to the head.
        public let timings: Timings

        /// The status.
        public var status: Status { head.status }
        /// The reason phrase as it was sent, often empty.
        public var reason: String { head.reason }
        /// The version the server answered with.
        public var version: Version { head.version }
        /// The header fields.
        public var fields: FieldView { head.fields }
    }

    /// The points in time a fetch passed, each measured from its start, none before the one above it.
    ///
    /// A step that was not needed, such as connecting on an idle connection, ends where the one before it ended.
    public struct Timings: Sendable, Equatable {
        /// When `fetch` was called.
        public let started: LoopInstant
        /// The last redirect had been answered; zero without one. What follows concerns the last request.
        public internal(set) var redirected: Duration
        /// A connection, or the right to make one, was there.
        public internal(set) var queued: Duration
        /// The host's addresses were known.
        public internal(set) var resolved: Duration
        /// The connection was made.
        public internal(set) var connected: Duration
        /// The connection was secure: the TLS handshake, if there had to be one, was done.
        public internal(set) var secured: Duration
        /// The request, or as much of it as the kernel took at once, was sent.
        public internal(set) var sent: Duration
        /// The first byte of an answer was there.
        public internal(set) var answered: Duration

        init(started: LoopInstant, redirected: Duration = .zero) {
            self.started = started
            self.redirected = redirected
            queued = redirected
            resolved = redirected
            connected = redirected
            secured = redirected
            sent = redirected
            answered = redirected
        }
    }
}
