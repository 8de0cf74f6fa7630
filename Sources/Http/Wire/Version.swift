/// The protocol version of a message, as far as HTTP/1 tells versions apart.
///
/// A minor version above 1 is handled as 1.1 (RFC 9110 §2.5); another major version never gets this far.
public enum Version: UInt8, Sendable, Equatable, CustomStringConvertible {
    case http10
    case http11

    /// The version as a start line spells it, for example `HTTP/1.1`.
    public var description: String { self == .http11 ? "HTTP/1.1" : "HTTP/1.0" }
}
