/// Reading one field line (RFC 9112 §5): name, colon, value, CR LF.
enum FieldLine {
    /// Reads the line that starts at `start` and returns the start of the next one, or -1 if it is not complete.
    ///
    /// The caller has seen that the line is not the empty one that ends the section. Offsets in `span` are from
    /// `origin`. A fault is thrown as soon as its byte is there, whether the line is complete or not.
    @inline(__always)
    static func read(
        _ bytes: Bytes, from start: Int, to end: Int, origin: Int, into span: inout FieldSpan
    ) throws(WireError) -> Int {
        var index = bytes.endOfToken(from: start, to: end)
        guard index < end else { return -1 }
        guard bytes[index] == Byte.colon, index > start else {
            throw nameFault(bytes, from: start, stop: index)
        }
        let nameEnd = index
        let valueStart = bytes.skipBlanks(from: nameEnd &+ 1, to: end)
        index = bytes.firstNonText(from: valueStart, to: end)
        guard index &+ 1 < end else {
            if index < end, bytes[index] != Byte.cr { throw lineFault(bytes[index], .invalidFieldValue) }
            return -1
        }
        guard bytes[index] == Byte.cr else { throw lineFault(bytes[index], .invalidFieldValue) }
        // RFC 9112 §2.2: a CR that is not followed by LF makes the message invalid.
        guard bytes[index &+ 1] == Byte.lf else { throw .bareCarriageReturn }
        let next = index &+ 2
        while index > valueStart, Byte.isBlank(bytes[index &- 1]) { index &-= 1 }
        span = FieldSpan(
            nameStart: UInt32(truncatingIfNeeded: start &- origin),
            nameEnd: UInt32(truncatingIfNeeded: nameEnd &- origin),
            valueStart: UInt32(truncatingIfNeeded: valueStart &- origin),
            valueEnd: UInt32(truncatingIfNeeded: index &- origin))
        return next
    }

    /// The fault of a line whose name stops at `stop` without a colon, or with one at once.
    @inline(never)
    private static func nameFault(_ bytes: Bytes, from start: Int, stop: Int) -> WireError {
        switch bytes[stop] {
        case Byte.colon: .emptyFieldName
        // RFC 9112 §5.2: a server refuses obs-fold; so does the client here, rather than guess.
        case Byte.space, Byte.tab: stop == start ? .foldedField : .spaceBeforeColon
        case Byte.cr: .missingColon
        case Byte.lf: .bareLineFeed
        default: .invalidFieldName
        }
    }

    /// The fault of a byte that neither text nor a line's end may be.
    @inline(never)
    static func lineFault(_ byte: UInt8, _ otherwise: WireError) -> WireError {
        switch byte {
        case Byte.lf: .bareLineFeed
        case Byte.cr: .bareCarriageReturn
        default: otherwise
        }
    }
}

extension HeadState {
    /// Notes a field that decides about framing, routing or the connection; others cost one switch on the length.
    @inline(__always)
    mutating func note(_ span: FieldSpan, _ bytes: Bytes, origin: Int) throws(WireError) {
        let name = origin &+ Int(span.nameStart)
        // Words are compared under `| 0x20`: among token characters that joins the two cases and nothing else.
        // A name is followed by a colon and a line end, so a word of its own length never reaches past the line.
        let fold: UInt64 = 0x2020_2020_2020_2020
        switch span.nameEnd &- span.nameStart {
        case 4:
            if bytes.word32(name) | 0x2020_2020 == 0x7473_6F68 { noteHost(span) }
        case 6:
            if bytes.word32(name) | 0x2020_2020 == 0x6570_7865, bytes.word32(name &+ 2) | 0x2020_2020 == 0x7463_6570 {
                noteExpect(span, bytes, origin: origin)
            }
        case 7:
            if bytes.word32(name) | 0x2020_2020 == 0x7267_7075, bytes.word32(name &+ 3) | 0x2020_2020 == 0x6564_6172 {
                notes.hasUpgrade = true
            }
        case 10:
            if bytes.word64(name) | fold == 0x6974_6365_6E6E_6F63,
                bytes.word64(name &+ 2) | fold == 0x6E6F_6974_6365_6E6E
            {
                noteConnection(span, bytes, origin: origin)
            }
        case 14:
            if bytes.word64(name) | fold == 0x2D74_6E65_746E_6F63,
                bytes.word64(name &+ 6) | fold == 0x6874_676E_656C_2D74
            {
                try noteContentLength(span, bytes, origin: origin)
            }
        case 17:
            if bytes.word64(name) | fold == 0x7265_6673_6E61_7274,
                bytes.word64(name &+ 8) | fold == 0x6E69_646F_636E_652D, bytes[name &+ 16] | 0x20 == 0x67
            {
                noteTransferEncoding(span, bytes, origin: origin)
            }
        default:
            break
        }
    }

    @inline(__always)
    private mutating func noteHost(_ span: FieldSpan) {
        notes.host = span
        if notes.hostLines < 2 { notes.hostLines &+= 1 }
    }

    @inline(never)
    private mutating func noteExpect(_ span: FieldSpan, _ bytes: Bytes, origin: Int) {
        let start = origin + Int(span.valueStart)
        let end = origin + Int(span.valueEnd)
        if bytes.matches("100-continue", from: start, to: end) {
            notes.expectsContinue = true
        } else {
            notes.expectsOther = true
        }
    }

    /// RFC 9110 §7.6.1: tokens in any case, over any number of lines; unknown ones, `Content-Length` too, are ignored.
    @inline(never)
    private mutating func noteConnection(_ span: FieldSpan, _ bytes: Bytes, origin: Int) {
        var elements = ListElements(bytes, origin + Int(span.valueStart), origin + Int(span.valueEnd))
        while let (start, end) = elements.next() {
            if bytes.matches("close", from: start, to: end) {
                notes.closes = true
            } else if bytes.matches("keep-alive", from: start, to: end) {
                notes.keepsAlive = true
            } else if bytes.matches("upgrade", from: start, to: end) {
                notes.wantsUpgrade = true
            }
        }
    }

    /// RFC 9112 §6.3: a list or a repetition of one valid length counts as that length, anything else is refused.
    @inline(never)
    private mutating func noteContentLength(_ span: FieldSpan, _ bytes: Bytes, origin: Int) throws(WireError) {
        var elements = ListElements(bytes, origin + Int(span.valueStart), origin + Int(span.valueEnd))
        repeat {
            guard let (start, end) = elements.next(), start < end else { throw .invalidContentLength }
            var value = 0
            for index in start..<end {
                guard Byte.isDigit(bytes[index]) else { throw .invalidContentLength }
                let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = tens.addingReportingOverflow(Int(bytes[index] &- Byte.zero))
                if overflow || carry { throw .invalidContentLength }
                value = sum
            }
            if notes.contentLength >= 0, notes.contentLength != value { throw .conflictingContentLengths }
            notes.contentLength = value
        } while !elements.isAtEnd
    }

    /// RFC 9112 §6.1 and §6.3. What it amounts to is judged at the end of the head, when the version counts too.
    @inline(never)
    private mutating func noteTransferEncoding(_ span: FieldSpan, _ bytes: Bytes, origin: Int) {
        let start = origin + Int(span.valueStart)
        let end = origin + Int(span.valueEnd)
        defer { notes.transferEncodingLines = min(notes.transferEncodingLines + 1, 2) }
        // Two lines are one list of codings; none that Coro could read spreads over two.
        if notes.transferEncodingLines > 0 {
            notes.transferEncoding = .malformed
        } else if bytes.matches("chunked", from: start, to: end) {
            notes.transferEncoding = .chunked
        } else {
            notes.transferEncoding = .malformed
            var elements = ListElements(bytes, start, end)
            var count = 0
            var chunkedAt = 0
            while let (from, to) = elements.next() {
                count += 1
                if from == to { return }
                if bytes.matches("chunked", from: from, to: to) {
                    if chunkedAt > 0 { return }
                    chunkedAt = count
                }
            }
            // A final chunked after codings that are not understood: 501 (RFC 9112 §6.1); otherwise 400 (§6.3).
            if chunkedAt == count, count > 1 { notes.transferEncoding = .unsupported }
        }
    }
}

/// The comma-separated elements of a field value, trimmed; empty ones included.
struct ListElements {
    private let bytes: Bytes
    private var index: Int
    private let end: Int
    private(set) var isAtEnd = false

    init(_ bytes: Bytes, _ start: Int, _ end: Int) {
        self.bytes = bytes
        index = start
        self.end = end
    }

    mutating func next() -> (start: Int, end: Int)? {
        if isAtEnd { return nil }
        let start = bytes.skipBlanks(from: index, to: end)
        var stop = start
        while stop < end, bytes[stop] != Byte.comma { stop &+= 1 }
        index = stop &+ 1
        if stop == end { isAtEnd = true }
        while stop > start, Byte.isBlank(bytes[stop &- 1]) { stop &-= 1 }
        return (start, stop)
    }
}
