// Which certificates their issuers have taken back, and which of a chain are looked up: revocation lists (RFC 5280 §5).
#if TLS

internal import COpenSSL

/// Which certificates of a peer's chain are looked up in their issuers' revocation lists (CRL).
///
/// ```swift
/// let client = try TLSClient(.init(roots: .file("ours.pem"), revocation: .leaf(.file("ours.crl"))))
/// ```
///
/// What is to be looked up and cannot be is refused, as what is revoked: when no list of its issuer is given
/// (`CertificateProblem.Reason.noRevocationList`), and when that list's own time is over (`.expiredRevocationList`). So
/// give a list of each issuer, and a newer one in time. A session that is resumed is not looked up again.
///
/// A directory of roots may have lists too, named as `openssl rehash` does; with those alone it is `.leaf([])`. None is
/// fetched from the addresses that certificates name, and there is no OCSP: no responder is asked, and a server's
/// stapled answer is not looked at.
public enum TLSRevocation: Equatable, Sendable {
    /// None.
    case unchecked
    /// The peer's own, in a list of its issuer.
    case leaf(TLSRevocationLists)
    /// Every one from the peer's own to the root, each in a list of its issuer; the root is in its own.
    case chain(TLSRevocationLists)

    /// Reads the lists into a context, whose connections look peers up in them from then on.
    func load(into context: OpaquePointer) throws(TLSError) {
        let store = SSL_CTX_get_cert_store(context)
        switch self {
        // Whoever is named is trusted, as curl and Python have it. Not where lists are looked up: of an authority that is
        // trusted without its root OpenSSL cannot tell who has signed its list, so that it would refuse good chains.
        case .unchecked: X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        case .leaf(let lists):
            try lists.load(into: store)
            X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK))
        case .chain(let lists):
            try lists.load(into: store)
            X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
        }
    }
}

/// Where revocation lists come from. Several may be put together: `[.file("root.crl"), .file("department.crl")]`.
public struct TLSRevocationLists: Equatable, Sendable, ExpressibleByArrayLiteral {
    private enum Source: Equatable, Sendable {
        case file(String)
        case pem([UInt8])
    }

    private let sources: [Source]

    private init(sources: [Source]) { self.sources = sources }

    /// All of several.
    public init(arrayLiteral several: TLSRevocationLists...) { sources = several.flatMap(\.sources) }

    /// Those in a file, in PEM; at least one.
    public static func file(_ path: String) -> TLSRevocationLists { TLSRevocationLists(sources: [.file(path)]) }

    /// These, in PEM; at least one.
    public static func pem(_ bytes: [UInt8]) -> TLSRevocationLists { TLSRevocationLists(sources: [.pem(bytes)]) }

    /// Reads them into a store. Files are read here and now.
    fileprivate func load(into store: OpaquePointer?) throws(TLSError) {
        for source in sources {
            switch source {
            case .file(let path):
                do throws(TLSError) { try add(try PEMFile.read(path), to: store) } catch {
                    throw .revocationLists("\(path): \(error.detail)")
                }
            case .pem(let bytes):
                do throws(TLSError) { try add(bytes, to: store) } catch { throw .revocationLists(error.detail) }
            }
        }
    }

    private func add(_ pem: [UInt8], to store: OpaquePointer?) throws(TLSError) {
        let lists = try PEMFile.revocationLists(in: pem)
        defer { lists.forEach { X509_CRL_free($0) } }
        for list in lists where X509_STORE_add_crl(store, list) != 1 {
            throw .revocationLists(OpenSSLErrors.takeReason())
        }
    }
}

extension CertificateProblem {
    /// Why an issuer has taken a certificate back (RFC 5280 §5.3.1).
    public enum RevocationReason: Int, Sendable, CustomStringConvertible {
        /// It is not told.
        case unspecified = 0
        /// Others have its key.
        case keyCompromise = 1
        /// Others have the key of the authority that it is.
        case authorityCompromise = 2
        /// What it says of its owner is not so any more.
        case affiliationChanged = 3
        /// Another has taken its place.
        case superseded = 4
        /// It is not needed any more.
        case cessationOfOperation = 5
        /// It may become good again.
        case certificateHold = 6
        /// What it gave a right to is not allowed any more.
        case privilegeWithdrawn = 9
        /// Others have the key of the authority for its attributes.
        case attributeAuthorityCompromise = 10

        public var description: String {
            switch self {
            case .unspecified: "for a reason that is not told"
            case .keyCompromise: "its key is known to others"
            case .authorityCompromise: "its authority's key is known to others"
            case .affiliationChanged: "what it says of its owner has changed"
            case .superseded: "another has taken its place"
            case .cessationOfOperation: "it is not needed any more"
            case .certificateHold: "it is on hold"
            case .privilegeWithdrawn: "its owner may not use it any more"
            case .attributeAuthorityCompromise: "the key of its attributes' authority is known to others"
            }
        }
    }
}
#endif
