// The connecting side's settings, shared by all connections that are made with them.
#if TLS

internal import Coro
internal import COpenSSL

/// How connections are secured that we make: whom we trust, who we are, what we speak.
///
/// Any number of connections, on any loops, may share one; those that do can resume each other's sessions.
public final class TLSClient: Sendable {
    /// What can be chosen. The defaults are what a careful program wants.
    public struct Options: Sendable {
        /// Whom we trust.
        public var roots: TLSRoots
        /// Which certificates of a server's chain are looked up in revocation lists. The lists are read once, when the client
        /// is made: newer ones need another client.
        public var revocation: TLSRevocation
        /// False accepts any certificate of any host: whoever stands in between can read and change everything.
        public var verifiesPeer: Bool
        /// Who we are, for servers that want to know.
        public var identity: TLSIdentity?
        /// The protocols that we can speak inside, in the order of our liking (ALPN): `["http/1.1"]`.
        public var protocols: [String]
        /// The versions of TLS that we accept.
        public var versions: ClosedRange<TLSVersion>
        /// How long a handshake may take.
        public var handshakeTimeout: Duration
        /// Whether a later connection to the same host may go on where an earlier one ended.
        public var resumesSessions: Bool
        /// Whether the kernel is to encipher what is sent, where it can. See `KernelTLS`.
        public var usesKernelTLS: Bool

        /// Makes the options.
        public init(
            roots: TLSRoots = .system, revocation: TLSRevocation = .unchecked, verifiesPeer: Bool = true,
            identity: TLSIdentity? = nil, protocols: [String] = [],
            versions: ClosedRange<TLSVersion> = .tls12 ... .tls13,
            handshakeTimeout: Duration = .seconds(10), resumesSessions: Bool = true,
            usesKernelTLS: Bool = false
        ) {
            self.roots = roots
            self.revocation = revocation
            self.verifiesPeer = verifiesPeer
            self.identity = identity
            self.protocols = protocols
            self.versions = versions
            self.handshakeTimeout = handshakeTimeout
            self.resumesSessions = resumesSessions
            self.usesKernelTLS = usesKernelTLS
        }
    }

    /// What it was made with.
    public let options: Options
    private let context: TLSContext
    private let protocols: [UInt8]
    let sessions = SessionCache()

    /// Makes a client. Reads the files of its roots and revocation lists now: on a serving loop, in `runBlocking`.
    ///
    /// - Throws: `TLSError.roots`, `.revocationLists`, `.identity`, `.configuration`.
    public init(_ options: Options = Options()) throws(TLSError) {
        self.options = options
        protocols = try TLSContext.encode(protocols: options.protocols)
        context = try TLSContext(for: .client, versions: options.versions, usesKernel: options.usesKernelTLS)
        if options.verifiesPeer { try options.roots.load(into: context.pointer) }
        // Where nothing is verified too: a file that is named and not there is a mistake.
        try options.revocation.load(into: context.pointer)
        if let identity = options.identity { try context.present(identity) }
        if options.resumesSessions { SessionCache.fill(from: context.pointer) }
    }

    /// The beginning of a connection to `host`; `offering` is instead of the options' protocols.
    func makeLayer(
        _ transport: StreamTransport, received: [UInt8], host: String, port: UInt16?, offering: [String]? = nil
    ) throws(TLSError) -> TLSLayer {
        let protocols = try offering.map(TLSContext.encode) ?? protocols
        let layer = try TLSLayer(transport, received: received, context: context, keeping: self)
        let ssl = try layer.open()
        SSL_set_connect_state(ssl)
        layer.offered = offering ?? options.protocols
        if !protocols.isEmpty { SSL_set_alpn_protos(ssl, protocols, UInt32(protocols.count)) }
        try expect(host, of: ssl)
        // Without the callback where nothing is verified: what it finds is no reason for anything then.
        SSL_set_verify(
            ssl, options.verifiesPeer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
            options.verifiesPeer ? Verification.callback : nil)
        if options.resumesSessions {
            layer.sessionKey = "\(host.lowercased()):\(port.map { "\($0)" } ?? "")"
            layer.sessions = sessions
            if let session = sessions.take(layer.sessionKey) {
                SSL_set_session(ssl, session)
                SessionCache.free(session)
            }
        }
        return layer
    }

    /// Says whom we want to talk to, and lets nobody else's certificate pass.
    private func expect(_ host: String, of ssl: OpaquePointer) throws(TLSError) {
        // The dot at the end of an absolute name is DNS's, not the certificate's (RFC 6066 §3).
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        guard TLSClient.isHostName(name) else { throw .configuration("“\(host)” is no host name") }
        let parameters = SSL_get0_param(ssl)
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 {
            // RFC 6066 §3: addresses are not sent as server names.
            return
        }
        // RFC 9525 §6.3 and appendix A: a wildcard is a whole label, and the subject's common name names nobody.
        X509_VERIFY_PARAM_set_hostflags(
            parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        guard X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1,
            copenssl_set_server_name(ssl, name) == 1
        else {
            OpenSSLErrors.clear()
            throw .configuration("“\(host)” is no host name")
        }
    }

    /// True for labels with dots between them, as an address is too. With a dot in front OpenSSL would take the certificate of
    /// any host below, at a NUL a C string ends, and OpenSSL overlooks a space behind an address.
    private static func isHostName(_ name: String) -> Bool {
        name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
    }
}
#endif
