// The versions of TLS that are worth speaking. 1.0 and 1.1 are not among them (RFC 8996).
#if TLS

internal import COpenSSL

/// A version of the protocol.
public enum TLSVersion: Comparable, Sendable, CustomStringConvertible {
    /// TLS 1.2 (RFC 5246).
    case tls12
    /// TLS 1.3 (RFC 8446).
    case tls13

    public var description: String {
        switch self {
        case .tls12: "TLSv1.2"
        case .tls13: "TLSv1.3"
        }
    }

    var number: Int32 {
        switch self {
        case .tls12: TLS1_2_VERSION
        case .tls13: TLS1_3_VERSION
        }
    }
}
#endif
