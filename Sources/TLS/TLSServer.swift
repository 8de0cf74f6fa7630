// The accepting side's settings, shared by all connections that are accepted with them, and exchanged while they live.
#if TLS

internal import Coro
internal import COpenSSL

/// How connections are secured that others make to us: who we are under which name, what we speak, whom we let in.
///
/// Any number of listeners, on any loops, may share one.
public final class TLSServer: Sendable {
    /// Whether clients must show who they are.
    public enum ClientVerification: Equatable, Sendable {
        /// They are not asked.
        case none
        /// They are asked; one that shows a certificate shows one that hangs on these roots.
        case optional(TLSRoots)
        /// Only those with a certificate that hangs on these roots are let in.
        case required(TLSRoots)

        var roots: TLSRoots? {
            switch self {
            case .none: nil
            case .optional(let roots), .required(let roots): roots
            }
        }

        var mode: Int32 {
            switch self {
            case .none: SSL_VERIFY_NONE
            case .optional: SSL_VERIFY_PEER
            case .required: SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
            }
        }
    }

    /// What can be chosen.
    public struct Options: Sendable {
        /// The protocols that we can speak inside, in the order of our liking (ALPN). A client that offers others only is
        /// refused; one that offers none is not.
        public var protocols: [String]
        /// The versions of TLS that we accept.
        public var versions: ClosedRange<TLSVersion>
        /// Whether clients must show who they are.
        public var clients: ClientVerification
        /// Which certificates of a client's chain are looked up in revocation lists, where clients show any. The lists are
        /// read when the server is made, and again at each `reload`.
        public var revocation: TLSRevocation
        /// How long a handshake may take.
        public var handshakeTimeout: Duration
        /// Whether clients get tickets, by which they may go on later where they ended. No session is kept here. What tickets
        /// are sealed with changes every twelve hours, and opens them for twelve more.
        public var issuesTickets: Bool
        /// Whether the kernel is to encipher what is sent, where it can. See `KernelTLS`.
        public var usesKernelTLS: Bool

        /// Makes the options.
        public init(
            protocols: [String] = [], versions: ClosedRange<TLSVersion> = .tls12 ... .tls13,
            clients: ClientVerification = .none, revocation: TLSRevocation = .unchecked,
            handshakeTimeout: Duration = .seconds(10), issuesTickets: Bool = true,
            usesKernelTLS: Bool = false
        ) {
            self.protocols = protocols
            self.versions = versions
            self.clients = clients
            self.revocation = revocation
            self.handshakeTimeout = handshakeTimeout
            self.issuesTickets = issuesTickets
            self.usesKernelTLS = usesKernelTLS
        }
    }

    /// What it was made with.
    public let options: Options
    private let protocols: [UInt8]
    private let ticketKeys: TicketKeys
    private let presented: Locked<ServerContexts>

    /// Makes a server. Reads the files of its roots and revocation lists now: on a serving loop, in `runBlocking`.
    ///
    /// - Parameter identities: at least one. A client gets the one whose certificate has the name that it asks for, or the
    ///   first when none has, or it asks for none.
    /// - Throws: `TLSError.identity`, `.roots`, `.revocationLists`, `.configuration`.
    public convenience init(_ identities: [TLSIdentity], _ options: Options = Options()) throws(TLSError) {
        try self.init(identities, options, ticketKeys: TicketKeys())
    }

    init(_ identities: [TLSIdentity], _ options: Options, ticketKeys: TicketKeys) throws(TLSError) {
        self.options = options
        self.ticketKeys = ticketKeys
        protocols = try TLSContext.encode(protocols: options.protocols)
        presented = Locked(try ServerContexts(identities, options, protocols: protocols, ticketKeys))
    }

    /// Makes a server with one identity.
    public convenience init(_ identity: TLSIdentity, _ options: Options = Options()) throws(TLSError) {
        try self.init([identity], options)
    }

    /// Presents other identities from now on. Connections that are there stay as they are, and tickets stay good.
    ///
    /// Where clients are verified, roots and revocation lists are read again, and clients are judged by the new ones: their
    /// tickets are of no use any more.
    ///
    /// - Runs on: any thread.
    /// - Throws: as `init`; nothing has changed then.
    public func reload(_ identities: [TLSIdentity]) throws(TLSError) {
        let contexts = try ServerContexts(identities, options, protocols: protocols, ticketKeys)
        presented.withLock { $0 = contexts }
    }

    /// The beginning of a connection that was accepted.
    func makeLayer(_ transport: StreamTransport, received: [UInt8]) throws(TLSError) -> TLSLayer {
        let contexts = presented.withLock { $0 }
        let layer = try TLSLayer(transport, received: received, context: contexts.first, keeping: contexts)
        let ssl = try layer.open()
        SSL_set_accept_state(ssl)
        SSL_set_verify(ssl, options.clients.mode, Verification.callback)
        return layer
    }
}
#endif
