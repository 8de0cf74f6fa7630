// What OpenSSL finds wrong with a chain, noted at the moment when it still knows with which certificate.
#if TLS

internal import COpenSSL

enum Verification {
    /// Called for each certificate of a chain that is checked; notes the first problem and lets OpenSSL's verdict stand.
    static let callback: @convention(c) (Int32, OpaquePointer?) -> Int32 = { verdict, store in
        guard verdict == 0, let store else { return verdict }
        // SAFETY: OpenSSL puts the connection's SSL at this index; not where it checks who has signed a revocation list.
        guard let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let layer = TLSLayer.of(OpaquePointer(ssl)), layer.problem == nil
        else { return verdict }
        layer.problem = problem(in: store)
        return verdict
    }

    /// True when the time of the certificate is over that the peer had shown when the session was made. Whoever resumes
    /// shows none.
    static func hasExpired(_ session: OpaquePointer?) -> Bool {
        guard let certificate = SSL_SESSION_get0_peer(session) else { return false }
        return X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0
    }

    private static func problem(in store: OpaquePointer) -> CertificateProblem {
        let code = X509_STORE_CTX_get_error(store)
        return CertificateProblem(
            reason: reason(code, store), certificate: X509_STORE_CTX_get_current_cert(store).map { Certificate($0) },
            depth: Int(X509_STORE_CTX_get_error_depth(store)))
    }

    private static func reason(_ code: Int32, _ store: OpaquePointer) -> CertificateProblem.Reason {
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED: .expired
        case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .wrongHost(expected: expectedHost(store))
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: .selfSigned
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            .unknownIssuer
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK: .weak
        case X509_V_ERR_CERT_REVOKED: revocation(store)
        case X509_V_ERR_UNABLE_TO_GET_CRL: .noRevocationList
        case X509_V_ERR_CRL_HAS_EXPIRED:
            .expiredRevocationList(
                since: CertificateTime(X509_CRL_get0_nextUpdate(X509_STORE_CTX_get0_current_crl(store))))
        case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_INVALID_CA: .wrongPurpose
        default: .other(X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)")
        }
    }

    /// What the list that a certificate was found in says of it.
    private static func revocation(_ store: OpaquePointer) -> CertificateProblem.Reason {
        var entry: OpaquePointer?
        X509_CRL_get0_by_cert(
            X509_STORE_CTX_get0_current_crl(store), &entry, X509_STORE_CTX_get_current_cert(store))
        // OpenSSL has just found it there; but nobody promises that.
        guard let entry else { return .other("certificate revoked") }
        var cause: CertificateProblem.RevocationReason?
        if let raw = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nil, nil) {
            // SAFETY: NID_crl_reason decodes to an ASN1_ENUMERATED.
            let number = raw.assumingMemoryBound(to: ASN1_ENUMERATED.self)
            cause = CertificateProblem.RevocationReason(rawValue: ASN1_ENUMERATED_get(number))
            ASN1_ENUMERATED_free(number)
        }
        return .revoked(since: CertificateTime(X509_REVOKED_get0_revocationDate(entry)), because: cause)
    }

    private static func expectedHost(_ store: OpaquePointer) -> String {
        let parameters = X509_STORE_CTX_get0_param(store)
        if let host = X509_VERIFY_PARAM_get0_host(parameters, 0) { return String(cString: host) }
        guard let address = X509_VERIFY_PARAM_get1_ip_asc(parameters) else { return "this host" }
        defer { copenssl_free(address) }
        return String(cString: address)
    }
}
#endif
