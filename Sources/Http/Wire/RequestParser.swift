/// Reads request heads from bytes as they arrive; does no I/O and keeps no bytes.
///
/// One parser serves one connection, message after message. After it has thrown, the connection is to be closed after
/// the answer; the parser must not be used again.
public struct RequestParser: Sendable {
    private let limits: WireLimits
    private var progress = HeadProgress()

    /// A parser at the start of a connection.
    public init(limits: WireLimits = WireLimits()) { self.limits = limits }

    /// Whether a byte of a request line has been seen that no complete head has consumed yet: the peer is in a request.
    public var isInsideHead: Bool { progress.stage != .idle }

    /// Reads on; returns the bytes the complete head takes, empty lines before it included, or nil if more are needed.
    ///
    /// `bytes` begins each time at the same byte of the connection: the first after the last consumed one. Until a head
    /// is complete each call passes the same `head` and the same bytes with newly arrived ones behind. `head` must be
    /// held by nobody else. Once complete, it has its own copy, and the bytes may go. Faults are thrown as soon as
    /// the line that has them is complete, many sooner. Time is linear in the bytes however they are split; no memory
    /// is allocated unless the head is larger than any before. Rules: RFC 9112 §2.2, §3, §5, §6.3, each fault in
    /// ``WireError``.
    public mutating func parse(
        _ bytes: UnsafeRawBufferPointer, into head: RequestHead
    ) throws(WireError) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        defer { withExtendedLifetime(head) {} }
        let count = bytes.count
        let source = Bytes(base)
        let state = head.state
        if progress.stage != .fields {
            if progress.stage == .idle {
                state.pointee.begin()
                guard try progress.skipEmptyLines(source, count: count, limit: limits.leadingEmptyLines) else {
                    return nil
                }
                progress.stage = .startLine
            }
            let bound = progress.start &+ limits.headBound
            let end = min(count, bound)
            var next = -1
            if progress.mayGoOn(source, end: end) {
                next = try state.pointee.readRequestLine(source, from: progress.start, to: end, limits: limits)
                if next < 0 { progress.suspend(source, end: end) }
            }
            guard next >= 0 else {
                // RFC 9112 §3: a target longer than the server wishes to parse is 414, whether it ends or not.
                let length = end &- progress.start
                if length > limits.targetBytes &+ limits.methodBytes &+ 12 { throw .targetTooLong }
                if count >= bound { throw .headTooLarge }
                return nil
            }
            progress.stage = .fields
            progress.advance(to: next)
        }
        guard let end = try progress.readFields(source, count: count, into: state, limits: limits) else {
            return nil
        }
        try state.pointee.finishRequest(source, origin: progress.start)
        state.pointee.adopt(base + progress.start, count: end &- progress.start)
        progress = HeadProgress()
        return end
    }
}

extension HeadState {
    /// Judges the head as a whole: Host, framing, persistence.
    @inline(__always)
    mutating func finishRequest(_ bytes: Bytes, origin: Int) throws(WireError) {
        // RFC 9112 §3.2: exactly one Host in 1.1; two are refused whatever the version, as no one can tell which
        // counts.
        if notes.hostLines == 1 {
            let start = origin &+ Int(notes.host.valueStart)
            let end = origin &+ Int(notes.host.valueEnd)
            guard Authority.isValid(bytes, from: start, to: end) else { throw .invalidHost }
        } else if notes.hostLines > 1 {
            throw .multipleHosts
        } else if version == .http11 {
            throw .missingHost
        }
        if notes.transferEncodingLines > 0 {
            try checkTransferEncoding()
            framing = .chunked
        } else if notes.contentLength >= 0 {
            framing = .length(notes.contentLength)
        } else {
            // RFC 9112 §6.3 rule 7: a request that declares nothing has no body.
            framing = .none
        }
        // RFC 9112 §9.3: close wins over keep-alive.
        keepAlive = !notes.closes && (version == .http11 || notes.keepsAlive)
    }

    @inline(never)
    private func checkTransferEncoding() throws(WireError) {
        // RFC 9112 §6.1: such a message's framing is faulty.
        if version == .http10 { throw .transferEncodingInHTTP10 }
        // RFC 9112 §6.3 rule 3: an attempt at smuggling, to be handled as an error.
        if notes.contentLength >= 0 { throw .lengthAndTransferEncoding }
        switch notes.transferEncoding {
        case .chunked: return
        case .unsupported: throw .unsupportedTransferCoding
        case .none, .malformed: throw .invalidTransferEncoding
        }
    }
}
