/// The numbers beyond which a message is refused, each bounded by default.
///
/// All sizes are bytes. A limit set to zero or less refuses everything it measures; none of them allocates by itself.
public struct WireLimits: Sendable, Equatable {
    /// The start line and all field lines with their line ends; more is 431. At most 1 GiB is honoured.
    public var headBytes = 64 * 1024
    /// Field lines in a head; more is 431.
    public var fieldCount = 128
    /// The request target; more is 414.
    public var targetBytes = 16 * 1024
    /// The method; more is 501. The longest registered one (RFC 9110 §16.1.1) has 18 bytes.
    public var methodBytes = 64
    /// Empty lines tolerated before a start line (RFC 9112 §2.2 asks for at least one).
    public var leadingEmptyLines = 2
    /// A chunk's size line with its extensions and line end.
    public var chunkLineBytes = 4 * 1024
    /// Framing bytes of a chunked body beyond one for each body byte, so that tiny chunks and extensions have an end.
    public var chunkOverheadBytes = 256 * 1024
    /// All trailer field lines with their line ends; more is 431.
    public var trailerBytes = 8 * 1024
    /// Trailer field lines, dropped ones included; more is 431.
    public var trailerCount = 64
    /// Interim (1xx) answers a client reads before it gives up on the final one. Counted by the client's loop.
    public var informationalResponses = 10

    /// The defaults above.
    public init() {}

    /// The head's limit as the parsers use it: 32-bit offsets hold it.
    var headBound: Int { min(max(headBytes, 0), 1 << 30) }
}
