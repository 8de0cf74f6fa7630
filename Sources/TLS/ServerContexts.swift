// The identities of a server, ready to be chosen from while a client says hello. Never changed: a reload makes new ones.
#if TLS

internal import Coro
internal import COpenSSL

/// One context for each identity, found by the names in their certificates.
final class ServerContexts: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): immutable once made.

    /// For clients that ask for no name, or one that nobody has.
    let first: TLSContext
    private var byName: [String: TLSContext] = [:]
    /// As they are sent; OpenSSL points into it.
    private let protocols: UnsafeMutableBufferPointer<UInt8>
    let ticketKeys: TicketKeys

    init(
        _ identities: [TLSIdentity], _ options: TLSServer.Options, protocols: [UInt8], _ ticketKeys: TicketKeys
    ) throws(TLSError) {
        var contexts: [TLSContext] = []
        // A session says that its client was found good once. By what it was judged may have changed with a reload, so that
        // where clients are verified each set of contexts resumes no sessions but its own.
        let sessionContext =
            options.clients == .none ? Array("coro".utf8) : (0..<16).map { _ in UInt8.random(in: 0...255) }
        for identity in identities {
            contexts.append(try ServerContexts.make(identity, options, sessionContext, speaks: !protocols.isEmpty))
        }
        guard let first = contexts.first else { throw .configuration("a server needs an identity") }
        self.first = first
        self.ticketKeys = ticketKeys
        self.protocols = .allocate(capacity: protocols.count)
        _ = self.protocols.initialize(from: protocols)
        for (identity, context) in zip(identities, contexts) {
            let names = identity.leaf.names.map { ($0.lowercased(), context) }
            byName.merge(names) { earlier, _ in earlier }
        }
        guard contexts.count > 1 else { return }
        copenssl_ctx_set_server_name_callback(first.pointer) { ssl, _, _ in
            ServerContexts.chooseByName(ssl)
            // A client that asks for a stranger gets the first identity, and judges for itself.
            return SSL_TLSEXT_ERR_OK
        }
    }

    deinit { protocols.deallocate() }

    private static func make(
        _ identity: TLSIdentity, _ options: TLSServer.Options, _ sessionContext: [UInt8], speaks: Bool
    ) throws(TLSError) -> TLSContext {
        let context = try TLSContext(for: .server, versions: options.versions, usesKernel: options.usesKernelTLS)
        try context.present(identity)
        SSL_CTX_set_options(context.pointer, copenssl_op_server_preference)
        // For 1.2, what is left when keys must be forgotten and the cipher must authenticate; 1.3 has nothing else.
        SSL_CTX_set_cipher_list(context.pointer, "ECDHE+AESGCM:ECDHE+CHACHA20")
        copenssl_ctx_set_session_cache_mode(context.pointer, Int(SSL_SESS_CACHE_OFF))
        // Without it sessions of clients that were verified are refused (SSL_CTX_set_session_id_context(3)).
        SSL_CTX_set_session_id_context(context.pointer, sessionContext, UInt32(sessionContext.count))
        if options.issuesTickets {
            TicketKeys.use(in: context.pointer)
        } else {
            SSL_CTX_set_options(context.pointer, copenssl_op_no_ticket)
            SSL_CTX_set_num_tickets(context.pointer, 0)
        }
        if let roots = options.clients.roots {
            try roots.load(into: context.pointer)
            roots.announce(in: context.pointer)
        }
        if options.clients != .none { refuseExpiredSessions(in: context.pointer) }
        try options.revocation.load(into: context.pointer)
        if speaks {
            SSL_CTX_set_alpn_select_cb(
                context.pointer,
                { ssl, chosen, count, offered, offeredCount, _ in
                    ServerContexts.chooseProtocol(ssl, chosen, count, offered, offeredCount)
                }, nil)
        }
        return context
    }

    /// A session is renewed for as long as its client comes back, and a certificate's time would never be over: whoever has
    /// a ticket with one that has expired shakes hands in full, and is judged again.
    private static func refuseExpiredSessions(in context: OpaquePointer) {
        SSL_CTX_set_session_ticket_cb(
            context, nil,
            { _, session, _, _, status, _ in
                guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW,
                    !Verification.hasExpired(session)
                else { return SSL_TICKET_RETURN_IGNORE_RENEW }
                return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
            }, nil)
    }

    private static func chooseByName(_ ssl: OpaquePointer?) {
        guard let contexts = TLSLayer.of(ssl)?.owner as? ServerContexts,
            let asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)
        else { return }
        let name = String(cString: asked).lowercased()
        // A wildcard stands for one whole label (RFC 6125 §6.4.3).
        let wildcard = "*" + name.drop { $0 != "." }
        if let context = contexts.byName[name] ?? contexts.byName[wildcard] { SSL_set_SSL_CTX(ssl, context.pointer) }
    }

    private static func chooseProtocol(
        _ ssl: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
        _ count: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32
    ) -> Int32 {
        guard let contexts = TLSLayer.of(ssl)?.owner as? ServerContexts, let chosen else { return SSL_TLSEXT_ERR_NOACK }
        var found: UnsafeMutablePointer<UInt8>?
        let ours = contexts.protocols
        let verdict = SSL_select_next_proto(&found, count, ours.baseAddress, UInt32(ours.count), offered, offeredCount)
        // RFC 7301 §3.2: nothing in common ends the handshake, before one side speaks what the other cannot.
        guard verdict == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        chosen.pointee = UnsafePointer(found)
        return SSL_TLSEXT_ERR_OK
    }
}
#endif
