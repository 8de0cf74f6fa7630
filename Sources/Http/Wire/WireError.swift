/// Why a message was refused, or why one cannot be written.
///
/// Plain cases without payload: throwing one allocates nothing.
public enum WireError: UInt8, Error, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    // Start line
    case invalidMethod
    case methodTooLong
    case malformedRequestLine
    case emptyTarget
    case invalidTarget
    case fragmentInTarget
    case relativeTarget
    case misplacedAsterisk
    case malformedAuthority
    case targetTooLong
    case malformedVersion
    case missingVersion
    case unsupportedVersion
    case http2Preface
    case tlsOnPlainPort
    case tooManyEmptyLines
    case notHTTP
    case malformedStatusLine
    case invalidStatus
    // Lines and fields
    case bareLineFeed
    case bareCarriageReturn
    case whitespaceBeforeFields
    case foldedField
    case missingColon
    case emptyFieldName
    case spaceBeforeColon
    case invalidFieldName
    case invalidFieldValue
    case headTooLarge
    case tooManyFields
    case missingHost
    case multipleHosts
    case invalidHost
    // Framing
    case invalidContentLength
    case conflictingContentLengths
    case lengthAndTransferEncoding
    case transferEncodingInHTTP10
    case invalidTransferEncoding
    case unsupportedTransferCoding
    case invalidChunkSize
    case chunkSizeOverflow
    case invalidChunkExtension
    case chunkLineTooLong
    case missingChunkEnd
    case chunkOverhead
    case trailersTooLarge
    case truncatedHead
    case truncatedBody
    case contentTooLarge
    // Writing
    case invalidReason
    case forbiddenTrailer
    case bufferTooSmall

    /// The status a server answers a request with this fault; always together with closing the connection.
    public var status: Status {
        switch self {
        case .contentTooLarge: Status(unchecked: 413)
        case .targetTooLong: Status(unchecked: 414)
        case .headTooLarge, .tooManyFields, .trailersTooLarge: Status(unchecked: 431)
        case .invalidReason, .forbiddenTrailer, .bufferTooSmall: Status(unchecked: 500)
        case .methodTooLong, .unsupportedTransferCoding: Status(unchecked: 501)
        case .unsupportedVersion, .http2Preface: Status(unchecked: 505)
        default: .badRequest
        }
    }

    /// One sentence that names the fault and the section it offends.
    public var description: String {
        switch self {
        case .invalidMethod: "the method holds a byte that is no token character (RFC 9112 §3.1)"
        case .methodTooLong: "the method is longer than the limit (RFC 9112 §3)"
        case .malformedRequestLine:
            "the request line is not method, target and version with one space between (RFC 9112 §3)"
        case .emptyTarget: "the request target is empty (RFC 9112 §3.2)"
        case .invalidTarget:
            "the request target holds a control, a backslash or a byte no target may hold (RFC 9112 §3.2)"
        case .fragmentInTarget: "the request target has a fragment, which is never sent (RFC 9112 §3.2.1)"
        case .relativeTarget: "the request target is neither a path nor an http or https URL (RFC 9112 §3.2)"
        case .misplacedAsterisk: "the asterisk target is for OPTIONS only (RFC 9112 §3.2.4)"
        case .malformedAuthority: "the target's authority is not host and optional port (RFC 9112 §3.2.2 and §3.2.3)"
        case .targetTooLong: "the request target is longer than the limit (RFC 9112 §3)"
        case .malformedVersion: "the protocol version is not HTTP/ digit dot digit (RFC 9112 §2.3)"
        case .missingVersion: "the request line has no version, and HTTP/0.9 is not spoken (RFC 9112 §3)"
        case .unsupportedVersion: "the major version is not 1 (RFC 9110 §2.5)"
        case .http2Preface: "this is the HTTP/2 preface, and HTTP/2 is not spoken here (RFC 9113 §3.4)"
        case .tlsOnPlainPort: "this is a TLS handshake on a port that speaks plain HTTP (RFC 9110 §4.2.2)"
        case .tooManyEmptyLines: "too many empty lines come before the message (RFC 9112 §2.2)"
        case .notHTTP: "the answer does not start with HTTP/ (RFC 9112 §4)"
        case .malformedStatusLine: "the status line is not version, three digits and reason (RFC 9112 §4)"
        case .invalidStatus: "the status code is below 100 (RFC 9110 §15)"
        case .bareLineFeed: "a line ends in LF without CR (RFC 9112 §2.2)"
        case .bareCarriageReturn: "a CR is not followed by LF (RFC 9112 §2.2)"
        case .whitespaceBeforeFields: "white space comes between the start line and the first field (RFC 9112 §2.2)"
        case .foldedField: "a field is folded onto a second line (RFC 9112 §5.2)"
        case .missingColon: "a field line has no colon (RFC 9112 §5)"
        case .emptyFieldName: "a field name is empty (RFC 9110 §5.1)"
        case .spaceBeforeColon: "white space comes between a field name and its colon (RFC 9112 §5.1)"
        case .invalidFieldName: "a field name holds a byte that is no token character (RFC 9110 §5.1)"
        case .invalidFieldValue: "a field value holds a control character (RFC 9110 §5.5)"
        case .headTooLarge: "the head is larger than the limit (RFC 9112 §3 and RFC 6585 §5)"
        case .tooManyFields: "the head has more fields than the limit (RFC 6585 §5)"
        case .missingHost: "an HTTP/1.1 request has no Host (RFC 9112 §3.2)"
        case .multipleHosts: "the request has more than one Host (RFC 9112 §3.2)"
        case .invalidHost: "the Host is not host and optional port (RFC 9112 §3.2)"
        case .invalidContentLength: "the Content-Length is not a decimal number below 2^63 (RFC 9112 §6.3)"
        case .conflictingContentLengths: "two Content-Lengths differ (RFC 9112 §6.3)"
        case .lengthAndTransferEncoding: "the message has both Content-Length and Transfer-Encoding (RFC 9112 §6.3)"
        case .transferEncodingInHTTP10: "an HTTP/1.0 message has a Transfer-Encoding (RFC 9112 §6.1)"
        case .invalidTransferEncoding: "the Transfer-Encoding does not end in one final chunked (RFC 9112 §6.3)"
        case .unsupportedTransferCoding: "the Transfer-Encoding has a coding other than chunked (RFC 9112 §6.1)"
        case .invalidChunkSize: "a chunk size is not one to sixteen hexadecimal digits (RFC 9112 §7.1)"
        case .chunkSizeOverflow: "a chunk size is 2^63 or more (RFC 9112 §7.1)"
        case .invalidChunkExtension: "a chunk extension is malformed (RFC 9112 §7.1.1)"
        case .chunkLineTooLong: "a chunk's size line is longer than the limit (RFC 9112 §7.1.1)"
        case .missingChunkEnd: "a chunk's data is not followed by CR LF (RFC 9112 §7.1)"
        case .chunkOverhead: "the chunk framing outweighs the body by more than the limit (RFC 9112 §7.1.1)"
        case .trailersTooLarge: "the trailers are larger than the limit (RFC 9112 §7.1.2)"
        case .truncatedHead: "the connection ended inside the head (RFC 9112 §8)"
        case .truncatedBody: "the connection ended before the body did (RFC 9112 §8)"
        case .contentTooLarge: "the body is larger than the limit (RFC 9110 §15.5.14)"
        case .invalidReason: "the reason phrase holds a control character (RFC 9112 §4)"
        case .forbiddenTrailer: "a trailer is a field that must come before the body (RFC 9110 §6.5.1)"
        case .bufferTooSmall: "the caller's buffer is smaller than the bound asked for it"
        }
    }
}
