// What a byte stream refuses, and why it ended.

/// Why a stream did not do what it was asked.
public enum StreamError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The stream was closed on this side.
    case closed
    /// The peer's end came before the bytes that were asked for; `received` of them are still in the stream.
    case ended(received: Int)
    /// The connection broke: reset, timed out, unreachable.
    case broken(IOError)
    /// The connection ended without TLS's farewell (close_notify): what came may have been cut short, by anybody.
    case truncated
    /// What came is no TLS, was changed on its way, or the peer has refused ours; the reason as OpenSSL gives it.
    case tls(String)
    /// Another task is reading (or writing) already; a stream has one of each at a time.
    case busy(String)
    /// What was asked for did not come within `limit` bytes.
    case limitExceeded(limit: Int)
    /// The stream belongs to a loop and was used from another thread.
    case wrongThread

    public var description: String {
        switch self {
        case .closed: "The stream is closed."
        case .ended(let received): "The peer closed the connection \(received) bytes into what was expected."
        case .broken(let error): "The connection broke: \(error)"
        case .truncated: "The connection was cut: it ended without TLS's close_notify, so what came may not be all."
        case .tls(let reason): "TLS failed: \(reason)."
        case .busy(let what): "Another task is \(what) this stream already."
        case .limitExceeded(let limit): "What was looked for did not come within \(limit) bytes."
        case .wrongThread: "The stream belongs to an event loop and was used from another thread. Spawn on its loop."
        }
    }
}
