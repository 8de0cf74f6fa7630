/// A status code (RFC 9110 §15), three digits.
public struct Status: RawRepresentable, Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The code, 100 to 999.
    public let code: UInt16

    /// The code, as ``code``.
    public var rawValue: UInt16 { code }

    /// The status with this code, or nil outside 100...999, which three digits cannot spell or no class holds.
    public init?(rawValue: UInt16) {
        guard rawValue >= 100, rawValue <= 999 else { return nil }
        code = rawValue
    }

    /// The status with this code, or nil outside 100...999.
    public init?(code: Int) {
        guard code >= 100, code <= 999 else { return nil }
        self.code = UInt16(code)
    }

    @inline(__always)
    init(unchecked code: UInt16) { self.code = code }

    /// The class of a code by its first digit; codes from 600 up count as server errors (RFC 9110 §15).
    public enum Category: Sendable, Equatable {
        case informational, success, redirection, clientError, serverError
    }

    /// The code's class.
    public var category: Category {
        switch code {
        case ..<200: .informational
        case ..<300: .success
        case ..<400: .redirection
        case ..<500: .clientError
        default: .serverError
        }
    }

    /// Whether a message with this code never has a body, whoever asked (RFC 9110 §6.4.1).
    public var forbidsBody: Bool { code < 200 || code == 204 || code == 304 }

    /// Orders by code.
    public static func < (left: Status, right: Status) -> Bool { left.code < right.code }

    /// The code and its phrase, for example `404 Not Found`.
    public var description: String { reason.isEmpty ? "\(code)" : "\(code) \(reason)" }

    /// The registered reason phrase, or an empty string.
    public var reason: String {
        switch code {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 102: "Processing"
        case 103: "Early Hints"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 203: "Non-Authoritative Information"
        case 204: "No Content"
        case 205: "Reset Content"
        case 206: "Partial Content"
        case 207: "Multi-Status"
        case 208: "Already Reported"
        case 226: "IM Used"
        case 300: "Multiple Choices"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 305: "Use Proxy"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400..<500: clientErrorReason
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 506: "Variant Also Negotiates"
        case 507: "Insufficient Storage"
        case 508: "Loop Detected"
        case 511: "Network Authentication Required"
        default: ""
        }
    }

    private var clientErrorReason: String {
        switch code {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 418: "I'm a teapot"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 424: "Failed Dependency"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 451: "Unavailable For Legal Reasons"
        default: ""
        }
    }
}

// The codes by name; computed, so that none costs a lazily made global.
extension Status {
    /// 100.
    public static var `continue`: Status { Status(unchecked: 100) }
    /// 101.
    public static var switchingProtocols: Status { Status(unchecked: 101) }
    /// 102.
    public static var processing: Status { Status(unchecked: 102) }
    /// 103.
    public static var earlyHints: Status { Status(unchecked: 103) }
    /// 200.
    public static var ok: Status { Status(unchecked: 200) }
    /// 201.
    public static var created: Status { Status(unchecked: 201) }
    /// 202.
    public static var accepted: Status { Status(unchecked: 202) }
    /// 204.
    public static var noContent: Status { Status(unchecked: 204) }
    /// 205.
    public static var resetContent: Status { Status(unchecked: 205) }
    /// 206.
    public static var partialContent: Status { Status(unchecked: 206) }
    /// 300.
    public static var multipleChoices: Status { Status(unchecked: 300) }
    /// 301.
    public static var movedPermanently: Status { Status(unchecked: 301) }
    /// 302.
    public static var found: Status { Status(unchecked: 302) }
    /// 303.
    public static var seeOther: Status { Status(unchecked: 303) }
    /// 304.
    public static var notModified: Status { Status(unchecked: 304) }
    /// 307.
    public static var temporaryRedirect: Status { Status(unchecked: 307) }
    /// 308.
    public static var permanentRedirect: Status { Status(unchecked: 308) }
    /// 400.
    public static var badRequest: Status { Status(unchecked: 400) }
    /// 401.
    public static var unauthorized: Status { Status(unchecked: 401) }
    /// 403.
    public static var forbidden: Status { Status(unchecked: 403) }
    /// 404.
    public static var notFound: Status { Status(unchecked: 404) }
    /// 405.
    public static var methodNotAllowed: Status { Status(unchecked: 405) }
    /// 406.
    public static var notAcceptable: Status { Status(unchecked: 406) }
    /// 407.
    public static var proxyAuthenticationRequired: Status { Status(unchecked: 407) }
    /// 408.
    public static var requestTimeout: Status { Status(unchecked: 408) }
    /// 409.
    public static var conflict: Status { Status(unchecked: 409) }
    /// 410.
    public static var gone: Status { Status(unchecked: 410) }
    /// 411.
    public static var lengthRequired: Status { Status(unchecked: 411) }
    /// 412.
    public static var preconditionFailed: Status { Status(unchecked: 412) }
    /// 413.
    public static var contentTooLarge: Status { Status(unchecked: 413) }
    /// 414.
    public static var uriTooLong: Status { Status(unchecked: 414) }
    /// 415.
    public static var unsupportedMediaType: Status { Status(unchecked: 415) }
    /// 416.
    public static var rangeNotSatisfiable: Status { Status(unchecked: 416) }
    /// 417.
    public static var expectationFailed: Status { Status(unchecked: 417) }
    /// 421.
    public static var misdirectedRequest: Status { Status(unchecked: 421) }
    /// 422.
    public static var unprocessableContent: Status { Status(unchecked: 422) }
    /// 426.
    public static var upgradeRequired: Status { Status(unchecked: 426) }
    /// 428.
    public static var preconditionRequired: Status { Status(unchecked: 428) }
    /// 429.
    public static var tooManyRequests: Status { Status(unchecked: 429) }
    /// 431.
    public static var requestHeaderFieldsTooLarge: Status { Status(unchecked: 431) }
    /// 500.
    public static var internalServerError: Status { Status(unchecked: 500) }
    /// 501.
    public static var notImplemented: Status { Status(unchecked: 501) }
    /// 502.
    public static var badGateway: Status { Status(unchecked: 502) }
    /// 503.
    public static var serviceUnavailable: Status { Status(unchecked: 503) }
    /// 504.
    public static var gatewayTimeout: Status { Status(unchecked: 504) }
    /// 505.
    public static var httpVersionNotSupported: Status { Status(unchecked: 505) }
}

extension Status: ExpressibleByIntegerLiteral {
    /// The status with the literal's code. A literal outside 100...999 is the programmer's own error and traps.
    public init(integerLiteral value: UInt16) {
        precondition(value >= 100 && value <= 999, "a status code has three digits and starts at 100")
        code = value
    }
}
