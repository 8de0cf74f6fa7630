// Every number of the client, with its default.

public import HttpWire

extension HTTPClient {
    /// How a client behaves unless a request says otherwise.
    public struct Configuration: Sendable {
        /// The most a fetch may take, from the call to the last byte of the body. Zero: no limit.
        public var timeout: Duration = .seconds(60)
        /// The most a name look-up, connecting and the TLS handshake may take together. Zero: no limit but `timeout`.
        public var connectTimeout: Duration = .seconds(20)
        /// Whether redirects are followed.
        public var redirects = Redirects.follow(limit: 5)
        /// Sent with every request that has no field of the same name.
        public var defaultFields: Fields = ["User-Agent": "Coro", "Accept": "*/*"]
        /// How many connections there may be.
        public var connections = ConnectionLimits()
        /// How long a request with `Expect: 100-continue` waits for the server's word before it sends its body anyway
        /// (RFC 9110 §10.1.1).
        public var continueTimeout: Duration = .seconds(1)
        /// The limits on answers' heads, chunk framing and trailers.
        public var limits = WireLimits()
        /// What `tls` says, in a build that has TLS.
        var security = ClientSecurity.Options()

        /// The defaults above.
        public init() {}
    }

    /// What to do with an answer that points elsewhere.
    public enum Redirects: Sendable, Equatable {
        /// Return it as it is.
        case never
        /// Go where it points, at most `limit` times in one fetch; one more is an error.
        case follow(limit: Int)
    }

    /// How many connections a client keeps.
    public struct ConnectionLimits: Sendable, Equatable {
        /// Connections to one origin at a time; further fetches wait in line, first come, first served.
        public var perOrigin = 10
        /// Connections kept open without use, for one origin.
        public var idlePerOrigin = 10
        /// Connections kept open without use, in all.
        public var idle = 100
        /// How long a connection is kept open without use. Shorter than servers' own (nginx: 75 s, Apache: 5 s) means
        /// fewer requests that meet a connection just closed.
        public var idleTimeout: Duration = .seconds(30)

        /// The defaults above.
        public init() {}
    }
}
