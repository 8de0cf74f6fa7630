// Certificates made here: for development, where there is no authority to ask, and for tests, which need bad ones too.
#if TLS

internal import COpenSSL
internal import Glibc

extension TLSIdentity {
    /// Makes a key and a certificate that vouches for itself: for development, on machines whose clients are told to trust
    /// it.
    ///
    /// - Parameters:
    ///   - names: the host names and addresses that it is for; the first is its common name too.
    ///   - days: how long it is valid from now on.
    /// - Throws: `TLSError.identity`.
    public static func selfSigned(
        names: [String] = ["localhost", "127.0.0.1", "::1"], days: Int = 30
    ) throws(TLSError) -> TLSIdentity {
        var blank = Blank(names: names)
        blank.notAfter = .days(days)
        return try blank.sign(by: nil)
    }

    /// A certificate that is to be made.
    package struct Blank {
        /// A span from now, which may lie in the past.
        package struct Offset {
            let seconds: Int
            package static func days(_ days: Int) -> Offset { Offset(seconds: days * 86_400) }
            package static func seconds(_ seconds: Int) -> Offset { Offset(seconds: seconds) }
        }

        package enum Key { case p256, rsa(bits: UInt32) }

        package var names: [String]
        package var commonName: String
        /// A minute ago: other machines' clocks are not ours.
        package var notBefore = Offset.seconds(-60)
        package var notAfter = Offset.days(30)
        package var key = Key.p256
        package var isAuthority = false
        /// What one that is no authority may be used for.
        package var uses = "serverAuth,clientAuth"

        package init(names: [String], commonName: String? = nil) {
            self.names = names
            self.commonName = commonName ?? names.first ?? "nobody"
        }

        /// Makes the key, fills in the certificate and has it signed; by itself when there is nobody to sign it.
        package func sign(by issuer: TLSIdentity?) throws(TLSError) -> TLSIdentity {
            OpenSSLErrors.clear()
            let made: OpaquePointer? =
                switch key {
                case .p256: copenssl_make_ec_key("P-256")
                case .rsa(let bits): copenssl_make_rsa_key(bits)
                }
            guard let made else { throw .identity(OpenSSLErrors.takeReason()) }
            guard let certificate = X509_new() else {
                EVP_PKEY_free(made)
                throw .identity(OpenSSLErrors.takeReason())
            }
            guard fill(certificate, key: made, issuer: issuer),
                X509_sign(certificate, issuer?.key ?? made, EVP_sha256()) > 0
            else {
                X509_free(certificate)
                EVP_PKEY_free(made)
                throw .identity(OpenSSLErrors.takeReason())
            }
            var chain = [certificate]
            // An issuer that has signed itself is a root, which every client has or does not trust anyhow.
            if let issuer, X509_self_signed(issuer.certificate, 0) != 1 {
                for above in [issuer.certificate] + issuer.chain {
                    X509_up_ref(above)
                    chain.append(above)
                }
            }
            return try TLSIdentity(owning: chain, key: made)
        }

        private func fill(_ certificate: OpaquePointer, key: OpaquePointer, issuer: TLSIdentity?) -> Bool {
            // Version 3 is number 2; only it has extensions (RFC 5280 §4.1.2.1).
            guard X509_set_version(certificate, 2) == 1, setRandomSerial(certificate),
                X509_gmtime_adj(X509_getm_notBefore(certificate), notBefore.seconds) != nil,
                X509_gmtime_adj(X509_getm_notAfter(certificate), notAfter.seconds) != nil,
                X509_set_pubkey(certificate, key) == 1, setSubject(certificate),
                X509_set_issuer_name(certificate, X509_get_subject_name(issuer?.certificate ?? certificate)) == 1
            else { return false }
            let usage = isAuthority ? "keyCertSign,cRLSign" : "digitalSignature,keyEncipherment"
            var extensions = [
                (NID_basic_constraints, "critical,CA:\(isAuthority ? "TRUE" : "FALSE")"),
                (NID_key_usage, "critical,\(usage)"), (NID_subject_key_identifier, "hash"),
            ]
            if !isAuthority { extensions.append((NID_ext_key_usage, uses)) }
            if !names.isEmpty { extensions.append((NID_subject_alt_name, alternativeNames)) }
            return extensions.allSatisfy { kind, value in
                add(kind, value, to: certificate, issuer: issuer?.certificate ?? certificate)
            }
        }

        private func setRandomSerial(_ certificate: OpaquePointer) -> Bool {
            // Unguessable and positive (RFC 5280 §4.1.2.2).
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), .random(in: 1...UInt64(Int64.max))) == 1
        }

        private func setSubject(_ certificate: OpaquePointer) -> Bool {
            // At most 64 characters (RFC 5280 appendix A.1), which a host name may have more of; it stands among the names.
            let name = String(commonName.unicodeScalars.prefix(64))
            return X509_NAME_add_entry_by_txt(
                X509_get_subject_name(certificate), "CN", copenssl_utf8_text, name, -1, -1, 0) == 1
        }

        private var alternativeNames: String {
            names.map { name in
                var address = in6_addr()
                let isAddress = inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
                return "\(isAddress ? "IP" : "DNS"):\(name)"
            }.joined(separator: ",")
        }

        private func add(_ kind: Int32, _ value: String, to certificate: OpaquePointer, issuer: OpaquePointer) -> Bool {
            var context = X509V3_CTX()
            X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
            guard let made = X509V3_EXT_conf_nid(nil, &context, kind, value) else { return false }
            defer { X509_EXTENSION_free(made) }
            return X509_add_ext(certificate, made, -1) == 1
        }
    }
}
#endif
