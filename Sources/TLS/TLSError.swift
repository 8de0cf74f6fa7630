// What can go wrong before a connection is secure, and whose fault it is.
#if TLS

/// Why a connection could not be secured, or could not even be tried.
public enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The peer's certificate was not accepted.
    case certificate(CertificateProblem)
    /// The two sides could not agree, or the peer is no TLS peer; the reason as OpenSSL gives it.
    case handshake(String)
    /// A certificate or key of our own cannot be used.
    case identity(String)
    /// The roots that peers are to be judged by cannot be used.
    case roots(String)
    /// The lists that peers' certificates are to be looked up in cannot be used.
    case revocationLists(String)
    /// A setting that cannot be used, or that this OpenSSL refuses.
    case configuration(String)
    /// The connection is secured already, or is being secured.
    case alreadySecure

    public var description: String {
        switch self {
        case .certificate(let problem): problem.description
        case .handshake(let reason): "The TLS handshake failed: \(reason)."
        case .identity(let reason): "The certificate or its key cannot be used: \(reason)."
        case .roots(let reason): "The trusted certificates cannot be used: \(reason)."
        case .revocationLists(let reason): "The revocation lists cannot be used: \(reason)."
        case .configuration(let reason): "TLS cannot be set up like that: \(reason)."
        case .alreadySecure: "The connection is secure already: TLS cannot be started twice on it."
        }
    }
}

/// What is wrong with which certificate of the peer's chain.
public struct CertificateProblem: Equatable, Sendable, CustomStringConvertible {
    /// What is wrong with it.
    public enum Reason: Equatable, Sendable {
        /// Its time is over.
        case expired
        /// Its time has not come.
        case notYetValid
        /// It is another host's.
        case wrongHost(expected: String)
        /// It has signed itself, and nobody we trust vouches for it.
        case selfSigned
        /// Nobody we trust has issued it.
        case unknownIssuer
        /// Its key, or the hash that it was signed with, is too weak.
        case weak
        /// Its issuer has taken it back, and may have said why.
        case revoked(since: CertificateTime, because: RevocationReason?)
        /// It is to be looked up in a revocation list of its issuer, and none is given.
        case noRevocationList
        /// It is to be looked up in a revocation list of its issuer, and the time of the one that is given is over.
        case expiredRevocationList(since: CertificateTime)
        /// It may not be used for this: a client's for a server, a server's for an authority.
        case wrongPurpose
        /// Anything else; as OpenSSL says it.
        case other(String)
    }

    /// What is wrong.
    public let reason: Reason
    /// The certificate that it is wrong with; nil when OpenSSL names none.
    public let certificate: Certificate?
    /// Its place in the chain: 0 is the peer's own, 1 its issuer's, and so on.
    public let depth: Int

    public var description: String {
        let name = certificate.map { " “\($0.subject)”" } ?? ""
        let whose = depth == 0 ? "The peer's certificate\(name)" : "The certificate\(name), which the peer's hangs on,"
        return "\(whose) \(complaint)."
    }

    private var complaint: String {
        switch reason {
        case .expired:
            certificate.map { "expired on \($0.notAfter), \($0.notAfter.distanceFromNow)" } ?? "has expired"
        case .notYetValid:
            certificate.map { "is not valid before \($0.notBefore), \($0.notBefore.distanceFromNow)" }
                ?? "is not valid yet"
        case .wrongHost(let expected):
            "is not for \(expected)"
                + (certificate.map { $0.names.isEmpty ? ": it names no host" : ", but for \($0.nameList)" } ?? "")
        case .selfSigned: "is self-signed and not among those we trust"
        case .unknownIssuer:
            "was issued by \(certificate.map { "“\($0.issuer)”" } ?? "somebody"), whom we do not know to trust"
        case .weak: "is too weak: its key is too short, or it was signed with a hash that is broken"
        case .revoked(let since, let cause):
            "was revoked on \(since), \(since.distanceFromNow)" + (cause.map { ": \($0)" } ?? "")
        case .noRevocationList: "may have been revoked: no revocation list of its issuer\(issuerName) is at hand"
        case .expiredRevocationList(let since):
            "may have been revoked: the revocation list of its issuer\(issuerName) expired on \(since), "
                + since.distanceFromNow
        case .wrongPurpose: "is not meant for this use"
        case .other(let text): "was not accepted: \(text)"
        }
    }

    private var issuerName: String { certificate.map { " “\($0.issuer)”" } ?? "" }
}
#endif
