// What two sides have agreed on.
#if TLS

internal import COpenSSL

/// What is known of a secured connection.
public struct TLSSession: Equatable, Sendable {
    /// The version of the protocol.
    public let version: TLSVersion
    /// The cipher suite: `TLS_AES_256_GCM_SHA384`.
    public let cipher: String
    /// The protocol to be spoken inside (ALPN); nil when none was agreed on.
    public let applicationProtocol: String?
    /// The name that the client asked for; nil when it asked for none.
    public let serverName: String?
    /// True when this goes on from an earlier connection, so that no certificate was sent.
    public let isResumed: Bool
    /// The peer's certificate; nil when it has shown none.
    public let peerCertificate: Certificate?
    /// What OpenSSL has found of the peer's certificate, by its number: 0 is good. Who does not verify trusts nobody, so
    /// that it is 18, 19 or 20 then (X509_STORE_CTX_get_error(3)).
    package let verifyResult: Int
    /// True when the kernel enciphers what is sent (`usesKernelTLS`); false when this process does.
    public let isEncipheredByKernel: Bool

    init(_ ssl: OpaquePointer, isEncipheredByKernel: Bool) {
        self.isEncipheredByKernel = isEncipheredByKernel
        version = SSL_version(ssl) == TLS1_3_VERSION ? .tls13 : .tls12
        cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) } ?? ""
        var bytes: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &bytes, &count)
        applicationProtocol =
            count > 0 ? String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self) : nil
        serverName = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
        isResumed = SSL_session_reused(ssl) == 1
        peerCertificate = SSL_get0_peer_certificate(ssl).map { Certificate($0) }
        verifyResult = SSL_get_verify_result(ssl)
    }
}
#endif
