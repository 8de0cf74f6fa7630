/// A parsed request head: method, target, version, fields and what follows from them (RFC 9112 §3).
///
/// Strings are made when asked for, each time; keep what is used twice. Before its first complete parse a head reads as
/// an empty `GET`-less request: other method, empty target, no fields.
public final class RequestHead: MessageHead, @unchecked Sendable {
    /// An empty head for a ``RequestParser`` to fill; makes its two blocks of memory, about 800 bytes.
    public override init() { super.init() }

    /// The method; a String is made only for one without a case.
    public var method: Method {
        if let known = state.pointee.method.method { return known }
        return .other(string(0, isComplete ? state.pointee.methodEnd : 0))
    }

    /// The request target as it was sent.
    public var target: String { isComplete ? string(state.pointee.targetStart, state.pointee.targetEnd) : "" }

    /// The target's path, not decoded: `/` where an absolute target has none, `*` for the asterisk, empty for CONNECT.
    public var path: String { withPath { String(decoding: $0, as: UTF8.self) } }

    /// What follows the target's first `?`, not decoded; nil without one.
    public var query: String? {
        guard state.pointee.queryStart != 0, isComplete else { return nil }
        return string(state.pointee.queryStart, state.pointee.targetEnd)
    }

    /// The authority the target itself names (absolute-form, or CONNECT's authority-form); nil otherwise.
    public var authority: String? {
        guard state.pointee.authorityEnd != 0, isComplete else { return nil }
        return string(state.pointee.authorityStart, state.pointee.authorityEnd)
    }

    /// The host, with port if given, that the request is for; nil for an HTTP/1.0 request that names none.
    ///
    /// RFC 9112 §3.2.2: the authority of an absolute target wins over the Host field.
    public var host: String? {
        if let authority { return authority }
        guard state.pointee.notes.hostLines > 0, isComplete else { return nil }
        let span = state.pointee.notes.host
        return string(span.valueStart, span.valueEnd)
    }

    /// Whether the client waits for 100 Continue before it sends the body.
    ///
    /// RFC 9110 §10.1.1: not for HTTP/1.0, and there is nothing to wait for without a body.
    public var expectsContinue: Bool {
        state.pointee.notes.expectsContinue && version == .http11 && framing != .none && framing != .length(0)
    }

    /// Whether `Expect` asks for something other than 100-continue; the answer to that is 417 (RFC 9110 §10.1.1).
    public var hasUnknownExpectation: Bool { state.pointee.notes.expectsOther }

    /// The target's bytes, valid inside `body` only.
    public func withTarget<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isComplete else { return try withSlice(0, 0, body) }
        return try withSlice(state.pointee.targetStart, state.pointee.targetEnd, body)
    }

    /// The bytes of ``path``, valid inside `body` only.
    public func withPath<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isComplete, state.pointee.method != .connect else { return try withSlice(0, 0, body) }
        if state.pointee.pathStart < state.pointee.pathEnd {
            return try withSlice(state.pointee.pathStart, state.pointee.pathEnd, body)
        }
        // RFC 9110 §4.2.3: the empty path of an http URL means `/`.
        let slash: StaticString = "/"
        return try body(UnsafeRawBufferPointer(start: slash.utf8Start, count: 1))
    }

    /// The bytes of ``query``, valid inside `body` only; nil without one.
    public func withQuery<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard state.pointee.queryStart != 0, isComplete else { return nil }
        return try withSlice(state.pointee.queryStart, state.pointee.targetEnd, body)
    }

    private var isComplete: Bool { state.pointee.byteCount > 0 }
}

extension RequestHead: CustomStringConvertible {
    /// The request line, for example `GET / HTTP/1.1`.
    public var description: String { "\(method) \(target) \(version)" }
}
