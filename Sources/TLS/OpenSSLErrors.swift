// OpenSSL keeps its errors in a queue of the thread: it is cleared before each call whose failure is to be explained, and the
// oldest entry, the cause of the others, is what people are told.
#if TLS

internal import COpenSSL

enum OpenSSLErrors {
    static func clear() { ERR_clear_error() }

    /// Takes the cause of the last failure out of the queue; 0 when OpenSSL has noted none.
    static func takeCause() -> UInt {
        let cause = ERR_get_error()
        ERR_clear_error()
        return cause
    }

    /// The cause of the last failure, in words.
    static func takeReason() -> String { reason(of: takeCause()) }

    /// An error in words, with a hint where OpenSSL's own are known to puzzle people.
    static func reason(of error: UInt) -> String {
        guard error != 0 else { return "OpenSSL gives no reason" }
        let text = ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(String(error, radix: 16))"
        guard copenssl_error_library(error) == ERR_LIB_SSL else { return text }
        switch copenssl_error_reason(error) {
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            return "\(text): the peer does not speak TLS on this port"
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            return "\(text): the two sides have no TLS version in common"
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return "\(text): the two sides have no cipher in common, or the peer wants a certificate of ours"
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return "\(text): the peer wants a certificate of ours"
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            return "\(text): the peer has no certificate for the name that was asked for"
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            return "\(text): the peer does not trust whoever has issued our certificate"
        case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, SSL_R_NO_APPLICATION_PROTOCOL:
            return "\(text): the two sides have no protocol in common to speak inside (ALPN)"
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return "\(text): the peer must show one, and has none"
        default: return text
        }
    }

    /// True for a connection that ended inside TLS, without a close_notify.
    static func isTruncation(_ error: UInt) -> Bool {
        copenssl_error_library(error) == ERR_LIB_SSL
            && copenssl_error_reason(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING
    }
}
#endif
