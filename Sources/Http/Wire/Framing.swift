/// How the end of a message's body is found (RFC 9112 §6.3).
public enum Framing: Sendable, Equatable {
    /// There is no body.
    case none
    /// The body has exactly this many bytes; never negative.
    case length(Int)
    /// The body comes in chunks and ends with the zero chunk and its trailers.
    case chunked
    /// The body ends where the connection does; answers only.
    case untilClose
}
