// What can go wrong between a stream, a pipe or a datagram socket and the kernel.

/// One thing that becomes of one system call. See `FaultPlan`.
public enum StreamFault: Sendable, Equatable, CustomStringConvertible {
    /// It moves at most this many bytes, or datagrams, and the next are ready in a later iteration.
    case atMost(Int)
    /// It moves nothing (EAGAIN); the stream is ready again in a later iteration.
    case stall
    /// It moves nothing (EAGAIN), nor does any call after it, until `FaultPlan.release()`: the peer is silent.
    case hang
    /// It fails with ECONNRESET, and the connection is over: reads go on failing so, writes fail with EPIPE. A stream's
    /// alone: nothing else can be reset.
    case reset
    /// It fails with this errno (EPIPE, ETIMEDOUT, EHOSTUNREACH…), and the connection is over; a datagram socket has none
    /// and goes on.
    case fail(errno: Int32)
    /// The peer's last byte has been received. Falls on the next call that receives. Datagrams have no last one.
    case end

    public var description: String {
        switch self {
        case .atMost(let count): "at most \(count) bytes"
        case .stall: "stall"
        case .hang: "hang"
        case .reset: "reset"
        case .fail(let code): "errno \(code)"
        case .end: "end"
        }
    }
}
