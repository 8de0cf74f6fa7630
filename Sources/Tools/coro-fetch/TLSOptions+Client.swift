// https for coro-fetch: options for the client, failures for people, and what -v tells. The end of this file is for a
// build without TLS.

import Coro
import CoroTLS
import Http
#if TLS

extension TLSOptions {
    static let isBuiltIn = true

    /// Puts what was asked for into a client's configuration. Reads the certificate to show, now.
    ///
    /// - Throws: `Failure` with exit code 58.
    func apply(to configuration: inout HTTPClient.Configuration) throws {
        configuration.tls.verifiesPeer = !isInsecure
        configuration.tls.versions = (isAtLeast13 ? .tls13 : .tls12)...(isAtMost12 ? .tls12 : .tls13)
        let given = [authorityFile.map(TLSRoots.file), authorityDirectory.map(TLSRoots.directory)].compactMap { $0 }
        switch given.count {
        case 0: break
        case 1: configuration.tls.roots = given[0]
        default: configuration.tls.roots = [given[0], given[1]]
        }
        // The whole chain, as with curl.
        if let revocationFile { configuration.tls.revocation = .chain(.file(revocationFile)) }
        guard let certificateFile else { return }
        do {
            configuration.tls.identity = try TLSIdentity(
                certificateFile: certificateFile, keyFile: keyFile, password: password ?? certificatePassword)
        } catch {
            throw Failure(error, host: "")
        }
    }
}

extension Failure {
    /// What is wrong with a connection that was to be secure, and what to do about it.
    init(_ error: TLSError, host: String) {
        let sentence = error.description
        switch error {
        case .certificate(let problem):
            self.init(.untrustedCertificate, sentence, hint: Failure.hint(for: problem.reason, host))
            verifyResult = Failure.number(of: problem)
            return
        case .handshake, .configuration, .alreadySecure:
            self.init(.handshakeFailed, "\(host): \(sentence)")
        case .identity: self.init(.unusableCertificate, sentence, hint: "Look at --cert, --key and --pass.")
        case .roots: self.init(.unusableAuthorities, sentence, hint: "--cacert wants a file of certificates in PEM.")
        case .revocationLists:
            self.init(
                .unusableRevocationLists, sentence, hint: "--crlfile wants a file of revocation lists (CRL) in PEM.")
        }
        verifyResult = TLSOptions.notVerified
    }

    private static func hint(for reason: CertificateProblem.Reason, _ host: String) -> String {
        switch reason {
        case .selfSigned, .unknownIssuer:
            "Use --cacert FILE to trust it or its issuer, or -k to skip the check and be read by anybody in between."
        case .wrongHost:
            "Is \(host) what you meant? --resolve reaches an address under the name it is for; -k skips the check."
        case .expired, .notYetValid:
            "Is this machine's clock right? Otherwise its owner must renew it; until then -k skips the check."
        case .noRevocationList, .expiredRevocationList:
            "--crlfile wants a list of each issuer, the root too, whose time is not over; -k skips the check."
        case .weak, .revoked, .wrongPurpose, .other: "Its owner must replace it; -k skips the check."
        }
    }

    /// X509_verify_cert_error_string(3) has the list.
    private static func number(of problem: CertificateProblem) -> Int {
        switch problem.reason {
        case .noRevocationList: 3
        case .notYetValid: 9
        case .expired: 10
        case .expiredRevocationList: 12
        case .selfSigned: problem.depth == 0 ? 18 : 19
        case .unknownIssuer: 20
        case .revoked: 23
        case .wrongPurpose: 26
        case .wrongHost: 62
        case .weak: 66
        case .other: TLSOptions.notVerified
        }
    }
}

extension Trace {
    static func text(of session: TLSSession, isInsecure: Bool) -> String {
        var lines = ["TLS: \(session.version) / \(session.cipher)\(session.isResumed ? ", resumed" : "")"]
        lines.append("ALPN: the server \(session.applicationProtocol.map { "chose \($0)" } ?? "chose nothing")")
        if let certificate = session.peerCertificate {
            lines += [
                "Server certificate:", "  subject: \(certificate.subject)", "  issuer: \(certificate.issuer)",
                "  names: \(certificate.names.joined(separator: ", "))",
                "  valid: \(certificate.notBefore) to \(certificate.notAfter)", "  SHA-256: \(certificate.fingerprint)",
            ]
        }
        lines.append(
            isInsecure
                ? "The certificate was not checked (-k): anybody in between may read and change everything."
                : "The certificate was checked, and is good for this host.")
        return lines.map { "* \(printable($0[...]))\n" }.joined()
    }
}
#else

extension TLSOptions {
    static let isBuiltIn = false

    /// Nothing: https itself will fail, and say so.
    func apply(to configuration: inout HTTPClient.Configuration) throws {}
}

extension Failure {
    init(_ error: TLSError, host: String) { switch error {} }
}

extension Trace {
    static func text(of session: TLSSession, isInsecure: Bool) -> String { "" }
}
#endif
