#if TLS

@testable import CoroTLS
import Testing

/// Whom the tests trust, and what it has signed. Keys cost time: what many tests need is made once.
enum TestAuthority {
    static let root: TLSIdentity = {
        var blank = TLSIdentity.Blank(names: [], commonName: "Coro Test Root")
        blank.isAuthority = true
        return try! blank.sign(by: nil)
    }()

    /// Another root, which nobody trusts.
    static let stranger: TLSIdentity = {
        var blank = TLSIdentity.Blank(names: [], commonName: "Nobody's Root")
        blank.isAuthority = true
        return try! blank.sign(by: nil)
    }()

    /// An authority between the root and whom it signs.
    static func intermediate(_ change: (inout TLSIdentity.Blank) -> Void = { _ in }) throws -> TLSIdentity {
        var blank = TLSIdentity.Blank(names: [], commonName: "Coro Test Intermediate")
        blank.isAuthority = true
        change(&blank)
        return try blank.sign(by: root)
    }

    /// For localhost, signed by the root.
    static let localhost = try! issue()

    /// An identity signed by the root, or by `issuer`.
    static func issue(
        names: [String] = ["localhost", "127.0.0.1"], by issuer: TLSIdentity? = root,
        _ change: (inout TLSIdentity.Blank) -> Void = { _ in }
    ) throws -> TLSIdentity {
        var blank = TLSIdentity.Blank(names: names)
        change(&blank)
        return try blank.sign(by: issuer)
    }

    /// The same identity, sent without those that it hangs on.
    static func alone(_ identity: TLSIdentity) throws -> TLSIdentity {
        let end = "-----END CERTIFICATE-----\n"
        let all = identity.pem.certificates
        let first = try all[..<#require(all.firstRange(of: end)).upperBound]
        return try TLSIdentity(certificates: String(first), key: identity.pem.key)
    }

    /// A client that trusts the root and nobody else.
    static func client(_ change: (inout TLSClient.Options) -> Void = { _ in }) throws -> TLSClient {
        var options = TLSClient.Options(roots: .certificate(of: root))
        change(&options)
        return try TLSClient(options)
    }

    /// A server that is localhost.
    static func server(_ options: TLSServer.Options = TLSServer.Options()) throws -> TLSServer {
        try TLSServer(localhost, options)
    }
}
#endif
