// Revocation lists made here, for tests: good ones and bad ones.
#if TLS

internal import COpenSSL

extension TLSIdentity {
    /// A certificate that is to be taken back.
    package struct Revoked {
        let identity: TLSIdentity
        let since: Blank.Offset
        let reason: CertificateProblem.RevocationReason?

        package init(
            _ identity: TLSIdentity, since: Blank.Offset = .seconds(-30),
            because reason: CertificateProblem.RevocationReason? = nil
        ) {
            self.identity = identity
            self.since = since
            self.reason = reason
        }
    }

    /// A list of what this authority has taken back, signed by it, in PEM.
    package func revocationList(
        _ revoked: [Revoked] = [], from thisUpdate: Blank.Offset = .seconds(-60),
        until nextUpdate: Blank.Offset = .days(30)
    ) throws(TLSError) -> String {
        OpenSSLErrors.clear()
        guard let list = X509_CRL_new() else { throw .identity(OpenSSLErrors.takeReason()) }
        defer { X509_CRL_free(list) }
        // Version 2 is number 1; only its entries have reasons (RFC 5280 §5.1.2.1).
        guard X509_CRL_set_version(list, 1) == 1,
            X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate)) == 1,
            thisUpdate.withTime({ X509_CRL_set1_lastUpdate(list, $0) }) == 1,
            nextUpdate.withTime({ X509_CRL_set1_nextUpdate(list, $0) }) == 1,
            revoked.allSatisfy({ $0.add(to: list) }), X509_CRL_sort(list) == 1,
            X509_CRL_sign(list, key, EVP_sha256()) > 0
        else { throw .identity(OpenSSLErrors.takeReason()) }
        return TLSIdentity.text { bio in PEM_write_bio_X509_CRL(bio, list) }
    }
}

extension TLSIdentity.Revoked {
    fileprivate func add(to list: OpaquePointer) -> Bool {
        let entry = X509_REVOKED_new()
        guard X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(identity.certificate)) == 1,
            since.withTime({ X509_REVOKED_set_revocationDate(entry, $0) }) == 1, addReason(to: entry),
            X509_CRL_add0_revoked(list, entry) == 1
        else {
            X509_REVOKED_free(entry)
            return false
        }
        return true
    }

    private func addReason(to entry: OpaquePointer?) -> Bool {
        guard let reason else { return true }
        let number = ASN1_ENUMERATED_new()
        defer { ASN1_ENUMERATED_free(number) }
        return ASN1_ENUMERATED_set(number, reason.rawValue) == 1
            && X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, number, 0, 0) == 1
    }
}

extension TLSIdentity.Blank.Offset {
    /// The moment that is this far from now, as OpenSSL has it.
    fileprivate func withTime(_ body: (UnsafeMutablePointer<ASN1_TIME>?) -> Int32) -> Int32 {
        let time = X509_gmtime_adj(nil, seconds)
        defer { ASN1_TIME_free(time) }
        return body(time)
    }
}
#endif
