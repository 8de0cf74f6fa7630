extension HTTPURL {
    /// What is wrong with a URL. Payloads quote the caller's text; offsets count bytes from its start.
    public enum Malformed: Error, Sendable, Equatable, CustomStringConvertible {
        case empty
        case missingScheme
        case unsupportedScheme(String)
        case missingAuthority
        case emptyHost
        case invalidHost(String)
        case invalidPort(String)
        case invalidUserInfo
        case invalidByte(UInt8, offset: Int)
        case invalidPercent(offset: Int)

        /// One sentence that says what is wrong, and where.
        public var description: String {
            switch self {
            case .empty: "the URL is empty"
            case .missingScheme: "the URL does not start with http:// or https:// (RFC 9110 §4.2)"
            case .unsupportedScheme(let scheme):
                "the URL's scheme is \(scheme), and only http and https are spoken (RFC 9110 §4.2)"
            case .missingAuthority: "the URL has no // and host after its scheme (RFC 9110 §4.2.1)"
            case .emptyHost: "the URL's host is empty (RFC 9110 §4.2.1)"
            case .invalidHost(let host):
                "the URL's host \(host) is neither a name in ASCII nor an address (RFC 3986 §3.2.2)"
            case .invalidPort(let port): "the URL's port \(port) is not a number from 1 to 65535 (RFC 3986 §3.2.3)"
            case .invalidUserInfo:
                "the URL's user or password holds a byte that must be percent-encoded, or encodes a control "
                    + "(RFC 3986 §3.2.1)"
            case .invalidByte(let byte, let offset):
                "the URL holds \(Self.name(of: byte)) at byte \(offset) (RFC 3986 §2)"
            case .invalidPercent(let offset):
                "the URL's % at byte \(offset) is not followed by two hexadecimal digits (RFC 3986 §2.1)"
            }
        }

        private static func name(of byte: UInt8) -> String {
            switch byte {
            case 0: "a NUL"
            case Byte.tab: "a tab"
            case Byte.lf: "a line feed"
            case Byte.cr: "a carriage return"
            case Byte.space: "a space"
            case Byte.backslash: "a backslash"
            default: "the control byte \(byte)"
            }
        }
    }
}
