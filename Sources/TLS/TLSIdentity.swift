// Who we are: a certificate, those that vouch for it, and the key that proves that it is ours.
#if TLS

internal import COpenSSL

/// A certificate chain with its private key.
public final class TLSIdentity: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): immutable; OpenSSL counts references to its certificates and keys atomically.

    let certificate: OpaquePointer
    /// The certificates that stand between ours and a root, nearest first.
    let chain: [OpaquePointer]
    let key: OpaquePointer

    /// Reads an identity from files in PEM. Reads them now: on a serving loop, call it in `runBlocking`.
    ///
    /// - Parameters:
    ///   - certificateFile: the certificate first, then those that it hangs on.
    ///   - keyFile: the private key; nil when it is in the first file too.
    ///   - password: what the key is encrypted with.
    /// - Throws: `TLSError.identity`, with the file's name.
    public convenience init(certificateFile: String, keyFile: String? = nil, password: String? = nil) throws(TLSError) {
        let certificates = try TLSIdentity.naming(certificateFile, PEMFile.read)
        let keyPath = keyFile ?? certificateFile
        let key = keyFile == nil ? certificates : try TLSIdentity.naming(keyPath, PEMFile.read)
        try self.init(certificateFile, certificates, keyPath, key, password)
    }

    /// Reads an identity from text in PEM.
    ///
    /// - Parameter certificates: the certificate first, then those that it hangs on.
    public convenience init(certificates: String, key: String, password: String? = nil) throws(TLSError) {
        try self.init("certificates", Array(certificates.utf8), "key", Array(key.utf8), password)
    }

    private convenience init(
        _ name: String, _ pem: [UInt8], _ keyName: String, _ keyPEM: [UInt8], _ password: String?
    ) throws(TLSError) {
        let key = try TLSIdentity.naming(keyName) { _ throws(TLSError) in
            try PEMFile.key(in: keyPEM, password: password)
        }
        let chain: [OpaquePointer]
        do throws(TLSError) {
            chain = try TLSIdentity.naming(name) { _ throws(TLSError) in try PEMFile.certificates(in: pem) }
        } catch {
            EVP_PKEY_free(key)
            throw error
        }
        try self.init(owning: chain, from: name, key: key, from: keyName)
    }

    /// Says in the error of `body` what it was about.
    private static func naming<Result>(
        _ name: String, _ body: (String) throws(TLSError) -> Result
    ) throws(TLSError) -> Result {
        do throws(TLSError) { return try body(name) } catch { throw .identity("\(name): \(error.detail)") }
    }

    /// Takes over what it is made of, of which there is at least one certificate.
    init(
        owning certificates: [OpaquePointer], from name: String = "certificates", key: OpaquePointer,
        from keyName: String = "key"
    ) throws(TLSError) {
        certificate = certificates[0]
        chain = Array(certificates.dropFirst())
        self.key = key
        guard X509_check_private_key(certificate, key) == 1 else {
            OpenSSLErrors.clear()
            throw .identity("\(keyName): the key is not that of the certificate in \(name)")
        }
    }

    deinit {
        X509_free(certificate)
        chain.forEach { X509_free($0) }
        EVP_PKEY_free(key)
    }

    /// What its certificate says.
    public var leaf: Certificate { Certificate(certificate) }

    /// Both parts as text, to be written to files. The key is not encrypted.
    public var pem: (certificates: String, key: String) {
        (
            TLSIdentity.text { bio in ([certificate] + chain).forEach { PEM_write_bio_X509(bio, $0) } },
            TLSIdentity.text { bio in PEM_write_bio_PrivateKey(bio, key, nil, nil, 0, nil, nil) }
        )
    }

    static func text(_ write: (OpaquePointer?) -> Void) -> String {
        let bio = BIO_new(BIO_s_mem())
        defer { BIO_free(bio) }
        write(bio)
        var bytes: UnsafeMutablePointer<CChar>?
        let count = copenssl_bio_contents(bio, &bytes)
        return String(decoding: UnsafeRawBufferPointer(start: bytes, count: max(0, count)), as: UTF8.self)
    }
}
#endif
