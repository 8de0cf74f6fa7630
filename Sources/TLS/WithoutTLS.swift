// A build without TLS has no secure connection and no error of one. Types that nothing can be of say so, and what only
// passes them on, as HTTP does, is written once.
#if !TLS

public import Coro

/// Why a connection could not be secured: never, in a build without TLS.
public enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String { switch self {} }
}

/// What is known of a secured connection, of which there is none in a build without TLS.
public struct TLSSession: Equatable, Sendable {
    // An enum without a case would say it better, but the compiler warns of every function that is given one.
    private init() {}

    package var verifyResult: Int { 0 }
}

extension ByteStream {
    /// What was agreed on with the peer: nothing, in a build without TLS.
    public var tls: TLSSession? { nil }
}
#endif
