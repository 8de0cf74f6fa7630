// Sessions that a client may resume: what a server gave it to shorten the next handshake.
#if TLS

internal import Coro
internal import COpenSSL

/// The last sessions with each host. One of TLS 1.3 is used once: a ticket that is shown twice lets onlookers link two
/// connections (RFC 8446 appendix C.4). One of TLS 1.2 is used until there is another, as curl and browsers do: a server that
/// resumes it need not send a new ticket (RFC 5077 §3.3).
final class SessionCache: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything is behind the lock; sessions are counted atomically by OpenSSL.

    private struct Hosts {
        var sessions: [String: [OpaquePointer]] = [:]
        /// Longest unused first.
        var order: [String] = []
    }

    private let hosts = Locked(Hosts())
    private static let hostsMax = 256
    /// A server gives two tickets a handshake; more than a few are never used up.
    private static let sessionsPerHostMax = 4

    deinit { hosts.withLock { $0.sessions.values.joined().forEach { SSL_SESSION_free($0) } } }

    /// The newest session with a host; the caller owns it.
    func take(_ key: String) -> OpaquePointer? {
        hosts.withLock { hosts in
            while let session = hosts.sessions[key]?.last {
                let isGood = SSL_SESSION_is_resumable(session) == 1 && !Verification.hasExpired(session)
                if isGood, SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION {
                    SSL_SESSION_up_ref(session)
                    return session
                }
                hosts.sessions[key]?.removeLast()
                if isGood { return session }
                SSL_SESSION_free(session)
            }
            return nil
        }
    }

    /// Lets go of a session that was taken.
    static func free(_ session: OpaquePointer) { SSL_SESSION_free(session) }

    /// Keeps a session, and owns it from now on.
    private func keep(_ session: OpaquePointer, _ key: String) {
        let dropped: [OpaquePointer] = hosts.withLock { hosts in
            var dropped: [OpaquePointer] = []
            hosts.order.removeAll { $0 == key }
            hosts.order.append(key)
            hosts.sessions[key, default: []].append(session)
            if hosts.sessions[key]!.count > SessionCache.sessionsPerHostMax {
                dropped.append(hosts.sessions[key]!.removeFirst())
            }
            if hosts.order.count > SessionCache.hostsMax {
                dropped += hosts.sessions.removeValue(forKey: hosts.order.removeFirst()) ?? []
            }
            return dropped
        }
        dropped.forEach { SSL_SESSION_free($0) }
    }

    /// Has the sessions of a context's connections kept. With TLS 1.3 they come after the handshake, with the first bytes
    /// that are read.
    static func fill(from context: OpaquePointer) {
        copenssl_ctx_set_session_cache_mode(context, copenssl_cache_client_outside)
        SSL_CTX_sess_set_new_cb(context) { ssl, session in
            guard let session, let layer = TLSLayer.of(ssl), let sessions = layer.sessions else { return 0 }
            sessions.keep(session, layer.sessionKey)
            // 1: the reference is ours now.
            return 1
        }
    }
}
#endif
