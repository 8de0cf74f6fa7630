/// Reading a request line (RFC 9112 §3): method, target, version, one space between, CR LF.
extension HeadState {
    /// Reads the line that starts at `start` and returns the start of the next one, or -1 if it is not complete.
    ///
    /// What can be known to be wrong is thrown as soon as its byte is there. Offsets count from `start`.
    mutating func readRequestLine(
        _ bytes: Bytes, from start: Int, to end: Int, limits: WireLimits
    ) throws(WireError) -> Int {
        var index = start
        var packed: UInt64 = 0
        let token = ByteClass.token
        while index < end, token.contains(bytes[index]) {
            packed = packed &<< 8 | UInt64(bytes[index])
            index &+= 1
        }
        let length = index &- start
        if length > limits.methodBytes { throw .methodTooLong }
        guard index < end else { return -1 }
        guard bytes[index] == Byte.space, length > 0 else { throw methodFault(bytes[index], at: length) }
        methodEnd = UInt32(truncatingIfNeeded: length)
        method = length < 8 ? Method.Code(packed: packed) : .other
        // RFC 9113 §3.4 reserves the method PRI for the preface of HTTP/2.
        if packed == 0x50_5249, length == 3 { throw .http2Preface }

        index &+= 1
        let target = index
        var question = 0
        // The bytes above 127 pass: they are opaque, as in field values, and common clients send them as typed.
        while true {
            index = bytes.endOfPlainTarget(from: index, to: end)
            guard index < end, bytes[index] != Byte.space else { break }
            if bytes[index] == Byte.question {
                if question == 0 { question = index }
            } else if bytes[index] != Byte.backslash || question == 0 {
                // A backslash in a path means a slash to some; in a query browsers send it as it is.
                throw targetFault(bytes[index], isEmpty: index == target)
            }
            index &+= 1
        }
        if index &- target > limits.targetBytes { throw .targetTooLong }
        targetStart = UInt32(truncatingIfNeeded: target &- start)
        targetEnd = UInt32(truncatingIfNeeded: index &- start)
        pathStart = targetStart
        pathEnd = question == 0 ? targetEnd : UInt32(truncatingIfNeeded: question &- start)
        queryStart = question == 0 ? 0 : pathEnd &+ 1
        guard target < end else { return -1 }
        if bytes[target] != Byte.slash || method == .connect {
            try readTargetForm(bytes, from: target, to: index, origin: start, isComplete: index < end)
        }
        guard index < end else { return -1 }
        return try readVersion(bytes, from: index &+ 1, to: end)
    }

    /// `HTTP/1.1` and the line's end.
    @inline(__always)
    private mutating func readVersion(_ bytes: Bytes, from start: Int, to end: Int) throws(WireError) -> Int {
        if start &+ 10 <= end, bytes[start &+ 8] == Byte.cr, bytes[start &+ 9] == Byte.lf {
            let word = bytes.word64(start)
            if word == 0x312E_312F_5054_5448 {
                version = .http11
                return start &+ 10
            }
            if word == 0x302E_312F_5054_5448 {
                version = .http10
                return start &+ 10
            }
        }
        return try readOddVersion(bytes, from: start, to: end)
    }

    @inline(never)
    private mutating func readOddVersion(_ bytes: Bytes, from start: Int, to end: Int) throws(WireError) -> Int {
        let digits = try ProtocolName.readVersion(bytes, from: start, to: end)
        guard let digits else { return -1 }
        guard digits.major == 1 else { throw .unsupportedVersion }
        let index = start &+ 8
        guard index < end else { return -1 }
        guard bytes[index] == Byte.cr else {
            throw bytes[index] == Byte.lf ? .bareLineFeed : .malformedVersion
        }
        guard index &+ 1 < end else { return -1 }
        guard bytes[index &+ 1] == Byte.lf else { throw .bareCarriageReturn }
        version = digits.minor == 0 ? .http10 : .http11
        return index &+ 2
    }

    /// Targets that are not origin-form: absolute-form, authority-form, asterisk-form (RFC 9112 §3.2).
    @inline(never)
    private mutating func readTargetForm(
        _ bytes: Bytes, from start: Int, to end: Int, origin: Int, isComplete: Bool
    ) throws(WireError) {
        guard start < end else { throw .emptyTarget }
        if method == .connect {
            guard isComplete else { return }
            guard Authority.isValid(bytes, from: start, to: end), Self.hasPort(bytes, from: start, to: end) else {
                throw .malformedAuthority
            }
            authorityStart = targetStart
            authorityEnd = targetEnd
            pathEnd = pathStart
            return
        }
        if bytes[start] == Byte.asterisk {
            guard method == .options, end == start &+ 1 else { throw .misplacedAsterisk }
            return
        }
        // absolute-form: scheme "://" authority path
        var index = start
        while index < end, Byte.isAlpha(bytes[index]) { index &+= 1 }
        if !isComplete, index == end { return }
        guard
            bytes.matches("http", from: start, to: index) || bytes.matches("https", from: start, to: index)
        else { throw .relativeTarget }
        for expected in [Byte.colon, Byte.slash, Byte.slash] {
            if index == end, !isComplete { return }
            guard index < end, bytes[index] == expected else { throw .relativeTarget }
            index &+= 1
        }
        let authority = index
        while index < end, bytes[index] != Byte.slash, bytes[index] != Byte.question { index &+= 1 }
        if index == end, !isComplete { return }
        // RFC 9110 §4.2.1: no host, no http URL. §4.2.4: userinfo in a received URL is an error; `@` is no host byte.
        guard authority < index, Authority.isValid(bytes, from: authority, to: index) else {
            throw .malformedAuthority
        }
        authorityStart = UInt32(truncatingIfNeeded: authority &- origin)
        authorityEnd = UInt32(truncatingIfNeeded: index &- origin)
        pathStart = authorityEnd
    }

    /// RFC 9112 §3.2.3: CONNECT's target has a port, not an empty one.
    private static func hasPort(_ bytes: Bytes, from start: Int, to end: Int) -> Bool {
        var index = end
        while index > start, Byte.isDigit(bytes[index &- 1]) { index &-= 1 }
        return index < end && index > start && bytes[index &- 1] == Byte.colon
    }

    @inline(never)
    private func methodFault(_ byte: UInt8, at offset: Int) -> WireError {
        // 0x16 opens a TLS handshake record (RFC 8446 §5.1); nothing in HTTP starts so.
        if offset == 0, byte == 0x16 { return .tlsOnPlainPort }
        switch byte {
        case Byte.lf: return .bareLineFeed
        case Byte.cr, Byte.space: return .malformedRequestLine
        default: return .invalidMethod
        }
    }

    @inline(never)
    private func targetFault(_ byte: UInt8, isEmpty: Bool) -> WireError {
        switch byte {
        case Byte.hash: .fragmentInTarget
        case Byte.lf: .bareLineFeed
        case Byte.cr: isEmpty ? .emptyTarget : .missingVersion
        default: .invalidTarget
        }
    }
}

/// The protocol's name in a start line.
enum ProtocolName {
    /// The digits of `HTTP/` digit `.` digit at `start`, nil while they are not all there (RFC 9112 §2.3).
    static func readVersion(
        _ bytes: Bytes, from start: Int, to end: Int
    ) throws(WireError) -> (major: UInt8, minor: UInt8)? {
        let name: StaticString = "HTTP/"
        var index = start
        while index < end, index &- start < 8 {
            let offset = index &- start
            let byte = bytes[index]
            switch offset {
            case 0..<5: if byte != name.utf8Start[offset] { throw .malformedVersion }
            case 6: if byte != Byte.dot { throw .malformedVersion }
            default: if !Byte.isDigit(byte) { throw .malformedVersion }
            }
            index &+= 1
        }
        guard index &- start == 8 else { return nil }
        return (bytes[start &+ 5] &- Byte.zero, bytes[start &+ 7] &- Byte.zero)
    }
}
