// A body to send: bytes at hand, an open file, or whatever a closure writes.

internal import Glibc
internal import HttpWire

/// The body of a message to send.
public enum OutgoingBody: Sendable {
    /// No body.
    case none
    /// Bytes at hand; their count is the declared length.
    case bytes([UInt8])
    /// Written by a closure as fast as the peer reads. Without a length it goes out in chunks.
    case stream(length: Int?, @Sendable (BodyWriter) async throws -> Void)
    /// A region of an open file, sent by the kernel itself.
    case file(OpenFile, offset: Int, length: Int)

    /// The declared length; nil for a stream that has none.
    public var length: Int? {
        switch self {
        case .none: 0
        case .bytes(let bytes): bytes.count
        case .stream(let length, _): length
        case .file(_, _, let length): length
        }
    }

    /// The UTF-8 of `text`.
    public static func text(_ text: String) -> OutgoingBody { .bytes(Array(text.utf8)) }
}

/// An open file, closed when the last reference goes.
public final class OpenFile: Sendable {
    package let descriptor: Int32

    /// Takes over an open descriptor.
    public init(takingOver descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}
