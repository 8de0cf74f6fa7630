/// Reads answer heads from bytes as they arrive; does no I/O and keeps no bytes.
///
/// One parser serves one connection. After it has thrown, the connection is of no more use, nor is the parser.
public struct ResponseParser: Sendable {
    private let limits: WireLimits
    private var progress = HeadProgress()

    /// The method of the request whose answer comes next: it decides whether there is a body (RFC 9112 §6.3).
    public var requestMethod: Method

    /// A parser for the answers to requests with this method, which may be changed between answers.
    public init(requestMethod: Method = .get, limits: WireLimits = WireLimits()) {
        self.requestMethod = requestMethod
        self.limits = limits
    }

    /// Whether a byte of an answer has been seen that no complete head has consumed yet.
    public var isInsideHead: Bool { progress.stage != .idle }

    /// Reads on; returns the bytes the complete head takes, or nil if more are needed.
    ///
    /// The contract is that of ``RequestParser/parse(_:into:)``. The faults are those of RFC 9112 §4, §5 and §6.3; a
    /// length beside a Transfer-Encoding is not one: chunked wins, and the connection is not to be reused.
    public mutating func parse(
        _ bytes: UnsafeRawBufferPointer, into head: ResponseHead
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
                next = try state.pointee.readStatusLine(source, from: progress.start, to: end)
                if next < 0 { progress.suspend(source, end: end) }
            }
            guard next >= 0 else {
                if count >= bound { throw .headTooLarge }
                return nil
            }
            progress.stage = .fields
            progress.advance(to: next)
        }
        guard let end = try progress.readFields(source, count: count, into: state, limits: limits) else {
            return nil
        }
        try state.pointee.finishResponse(to: requestMethod)
        state.pointee.adopt(base + progress.start, count: end &- progress.start)
        progress = HeadProgress()
        return end
    }
}

extension HeadState {
    /// Reads the status line at `start` (RFC 9112 §4) and returns the start of the next one, or -1 if incomplete.
    mutating func readStatusLine(_ bytes: Bytes, from start: Int, to end: Int) throws(WireError) -> Int {
        let digits: (major: UInt8, minor: UInt8)?
        do throws(WireError) {
            digits = try ProtocolName.readVersion(bytes, from: start, to: end)
        } catch {
            throw Self.startsLikeHTTP(bytes, from: start, to: end) ? error : .notHTTP
        }
        guard let digits else { return -1 }
        guard digits.major == 1 else { throw .unsupportedVersion }
        version = digits.minor == 0 ? .http10 : .http11
        guard start &+ 8 < end else { return -1 }
        guard bytes[start &+ 8] == Byte.space else {
            throw FieldLine.lineFault(bytes[start &+ 8], .malformedStatusLine)
        }
        var index = start &+ 9
        var code: UInt16 = 0
        while index < end, index < start &+ 12 {
            guard Byte.isDigit(bytes[index]) else { throw .malformedStatusLine }
            code = code &* 10 &+ UInt16(bytes[index] &- Byte.zero)
            index &+= 1
        }
        guard index < end else { return -1 }
        guard code >= 100 else { throw .invalidStatus }
        status = code
        // RFC 9112 §4 asks for a space even before an empty reason; answers without it are common and harmless.
        if bytes[index] != Byte.cr {
            guard bytes[index] == Byte.space else { throw FieldLine.lineFault(bytes[index], .malformedStatusLine) }
            index &+= 1
        }
        let reason = index
        index = bytes.firstNonText(from: reason, to: end)
        if index < end, bytes[index] != Byte.cr { throw FieldLine.lineFault(bytes[index], .malformedStatusLine) }
        guard index &+ 1 < end else { return -1 }
        guard bytes[index &+ 1] == Byte.lf else { throw .bareCarriageReturn }
        reasonStart = UInt32(truncatingIfNeeded: reason &- start)
        reasonEnd = UInt32(truncatingIfNeeded: index &- start)
        return index &+ 2
    }

    private static func startsLikeHTTP(_ bytes: Bytes, from start: Int, to end: Int) -> Bool {
        end &- start >= 5 && bytes.matches("http/", from: start, to: start &+ 5)
    }

    /// RFC 9112 §6.3, rule by rule, and persistence.
    mutating func finishResponse(to method: Method) throws(WireError) {
        var reusable = !notes.closes && (version == .http11 || notes.keepsAlive)
        let isTunnel = method == .connect && status / 100 == 2
        if method == .head || Status(unchecked: status).forbidsBody || isTunnel {
            // Rules 1 and 2: what the fields declare describes a body that is not sent.
            framing = .none
        } else if notes.transferEncodingLines > 0 {
            // Rule 4. Codings the client never asked for are refused: the body could not be told from its coding.
            guard notes.transferEncoding == .chunked else {
                throw notes.transferEncoding == .unsupported ? .unsupportedTransferCoding : .invalidTransferEncoding
            }
            framing = .chunked
            // Rule 3 and §6.1: a length beside it, or HTTP/1.0, makes the message suspect; nothing may follow it.
            if notes.contentLength >= 0 || version == .http10 { reusable = false }
        } else if notes.contentLength >= 0 {
            framing = .length(notes.contentLength)
        } else {
            // Rule 8.
            framing = .untilClose
            reusable = false
        }
        keepAlive = reusable
    }
}
