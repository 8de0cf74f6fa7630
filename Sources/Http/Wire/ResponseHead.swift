/// A parsed answer head: status, reason, version, fields and the framing they give (RFC 9112 §4 and §6.3).
///
/// Interim (1xx) answers are heads like others, with no body; the client's loop reads on.
public final class ResponseHead: MessageHead, @unchecked Sendable {
    /// An empty head for a ``ResponseParser`` to fill.
    public override init() { super.init() }

    /// The status; 500 before the first complete parse.
    public var status: Status {
        state.pointee.byteCount > 0 ? Status(unchecked: state.pointee.status) : .internalServerError
    }

    /// The reason phrase as it was sent, often empty.
    public var reason: String {
        let head = state.pointee
        return head.byteCount > 0 ? string(head.reasonStart, head.reasonEnd) : ""
    }

    /// Whether a final answer still follows this one (RFC 9110 §15.2); 101 is the end of HTTP, not interim.
    public var isInformational: Bool { status.category == .informational && status != .switchingProtocols }
}

extension ResponseHead: CustomStringConvertible {
    /// The status line, for example `HTTP/1.1 200 OK`.
    public var description: String { "\(version) \(status.code) \(reason)" }
}
