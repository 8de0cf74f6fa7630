/// A request method (RFC 9110 §9); names are case-sensitive, so `get` is `.other("get")`.
public enum Method: Sendable, Hashable, CustomStringConvertible {
    case get
    case head
    case post
    case put
    case delete
    case connect
    case options
    case trace
    case patch
    /// A method without a case of its own. Its name is checked by the encoder, not here.
    case other(String)

    /// The method that `name` spells; a known name gives its own case.
    public init(_ name: String) {
        var packed: UInt64 = 0
        var count = 0
        for byte in name.utf8.prefix(8) {
            packed = packed &<< 8 | UInt64(byte)
            count += 1
        }
        self = (count < 8 ? Code(packed: packed).method : nil) ?? .other(name)
    }

    /// The name as it stands in a request line.
    public var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other(let name): name
        }
    }

    /// The name.
    public var description: String { name }

    /// Whether the method asks for no change of state (RFC 9110 §9.2.1).
    public var isSafe: Bool {
        switch self {
        case .get, .head, .options, .trace: true
        default: false
        }
    }

    /// Whether sending it twice means as much as sending it once (RFC 9110 §9.2.2).
    public var isIdempotent: Bool {
        switch self {
        case .put, .delete: true
        default: isSafe
        }
    }

    /// A method in one byte, so that a parsed head holds no String.
    enum Code: UInt8 {
        case other, get, head, post, put, delete, connect, options, trace, patch

        /// The code for a name of at most seven bytes, packed with its last byte lowest.
        @inline(__always)
        init(packed: UInt64) {
            switch packed {
            case 0x47_4554: self = .get
            case 0x4845_4144: self = .head
            case 0x504F_5354: self = .post
            case 0x50_5554: self = .put
            case 0x4445_4C45_5445: self = .delete
            case 0x43_4F4E_4E45_4354: self = .connect
            case 0x4F_5054_494F_4E53: self = .options
            case 0x54_5241_4345: self = .trace
            case 0x50_4154_4348: self = .patch
            default: self = .other
            }
        }

        var method: Method? {
            switch self {
            case .other: nil
            case .get: .get
            case .head: .head
            case .post: .post
            case .put: .put
            case .delete: .delete
            case .connect: .connect
            case .options: .options
            case .trace: .trace
            case .patch: .patch
            }
        }
    }
}

extension Method: ExpressibleByStringLiteral {
    /// The method that the literal spells.
    public init(stringLiteral value: String) { self.init(value) }
}
