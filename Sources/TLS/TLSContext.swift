// What a client and a server set alike in OpenSSL's SSL_CTX: the versions, and what of the protocol is not to be had.
#if TLS

internal import COpenSSL

final class TLSContext: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): OpenSSL locks an SSL_CTX itself; its settings are made before it is shared.

    let pointer: OpaquePointer

    enum Side { case client, server }

    init(for side: Side, versions: ClosedRange<TLSVersion>, usesKernel: Bool) throws(TLSError) {
        OpenSSLErrors.clear()
        guard let pointer = SSL_CTX_new(side == .client ? TLS_client_method() : TLS_server_method()) else {
            throw .configuration(OpenSSLErrors.takeReason())
        }
        self.pointer = pointer
        guard copenssl_ctx_set_versions(pointer, versions.lowerBound.number, versions.upperBound.number) == 1 else {
            throw .configuration("the versions \(versions.lowerBound) to \(versions.upperBound)")
        }
        // Renegotiation lets a client make a server work for nothing; compression tells secrets (CRIME).
        SSL_CTX_set_options(pointer, copenssl_op_no_renegotiation | copenssl_op_no_compression)
        if usesKernel { SSL_CTX_set_options(pointer, copenssl_op_kernel_tls) }
        // 112 bits: RSA keys from 2048 on, no SHA-1 signatures. A distribution's own default may be less.
        SSL_CTX_set_security_level(pointer, 2)
        // Partial writes, retried from wherever the bytes lie then; and no buffers kept by connections that are idle.
        copenssl_ctx_set_mode(
            pointer, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS)
        )
        // One receive brings as many records as fit, where it would else be two for each.
        copenssl_ctx_set_read_ahead(pointer, 1)
    }

    deinit { SSL_CTX_free(pointer) }

    /// Presents `identity` to peers.
    func present(_ identity: TLSIdentity) throws(TLSError) {
        OpenSSLErrors.clear()
        guard SSL_CTX_use_certificate(pointer, identity.certificate) == 1,
            SSL_CTX_use_PrivateKey(pointer, identity.key) == 1
        else { throw .identity(OpenSSLErrors.takeReason()) }
        for certificate in identity.chain where copenssl_ctx_add_chain_certificate(pointer, certificate) != 1 {
            throw .identity(OpenSSLErrors.takeReason())
        }
    }

    /// Refuses a list of protocol names that cannot be sent, and writes the others as they are sent (RFC 7301 §3.1).
    static func encode(protocols: [String]) throws(TLSError) -> [UInt8] {
        var bytes: [UInt8] = []
        for name in protocols {
            let text = Array(name.utf8)
            guard (1...255).contains(text.count) else {
                throw .configuration("the protocol name “\(name)” must have 1 to 255 bytes")
            }
            bytes.append(UInt8(text.count))
            bytes += text
        }
        return bytes
    }
}
#endif
