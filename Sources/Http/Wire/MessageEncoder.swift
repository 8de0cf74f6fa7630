/// Writes heads and chunk framing into the caller's memory: ask for the bound, make room, write, advance by the result.
///
/// What a peer could take for another line is refused: CR, LF, NUL and other controls in a reason, method or target,
/// and whatever a ``Fields`` literal remembered. Heads and chunks allocate nothing. The framing fields are the
/// caller's to choose.
public enum MessageEncoder {
    // MARK: Answers

    /// At least the bytes that ``writeResponseHead(status:reason:version:fields:into:)`` writes. Linear in the fields.
    public static func responseHeadBound(status: Status, reason: String? = nil, fields: Fields) -> Int {
        15 + (reason ?? status.reason).utf8.count + fieldsBound(fields) + 2
    }

    /// Writes status line, fields and the empty line (RFC 9112 §4); returns the bytes written.
    ///
    /// Throws ``WireError/invalidReason``, the fields' ``Fields/fault``, or `bufferTooSmall` below the bound.
    public static func writeResponseHead(
        status: Status, reason: String? = nil, version: Version = .http11, fields: Fields,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(WireError) -> Int {
        var writer = Writer(buffer)
        writer.offset = try writeStatusLine(status: status, reason: reason, version: version, into: buffer)
        try writer.fields(fields)
        try writer.line()
        return writer.offset
    }

    /// Writes the status line alone, for callers who have the rest prepared.
    public static func writeStatusLine(
        status: Status, reason: String? = nil, version: Version = .http11, into buffer: UnsafeMutableRawBufferPointer
    ) throws(WireError) -> Int {
        if let reason, !reason.utf8.allSatisfy(Byte.isText) { throw .invalidReason }
        var writer = Writer(buffer)
        try writer.version(version)
        try writer.byte(Byte.space)
        try writer.decimal(Int(status.code))
        // RFC 9112 §4: the space stands even before an empty reason.
        try writer.byte(Byte.space)
        try writer.string(reason ?? status.reason)
        try writer.line()
        return writer.offset
    }

    // MARK: Requests

    /// At least the bytes that ``writeRequestHead(method:target:version:fields:into:)`` writes. Linear in the fields.
    public static func requestHeadBound(method: Method, target: String, fields: Fields) -> Int {
        method.name.utf8.count + target.utf8.count + 12 + fieldsBound(fields) + 2
    }

    /// Writes request line, fields and the empty line (RFC 9112 §3); returns the bytes written.
    ///
    /// Throws ``WireError/invalidMethod``, `emptyTarget` or `invalidTarget` (a byte that is no visible ASCII
    /// character, or a fragment), the fields' ``Fields/fault``, or `bufferTooSmall` below the bound.
    public static func writeRequestHead(
        method: Method, target: String, version: Version = .http11, fields: Fields,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(WireError) -> Int {
        var writer = Writer(buffer)
        try writer.requestLine(method: method, target: target, version: version)
        try writer.fields(fields)
        try writer.line()
        return writer.offset
    }

    // MARK: Fields

    /// The bytes that ``writeFields(_:into:)`` writes.
    public static func fieldsBound(_ fields: Fields) -> Int {
        var bound = 0
        for line in fields.lines { bound += line.name.utf8.count + line.value.utf8.count + 4 }
        return bound
    }

    /// Writes field lines without the empty one after them; returns the bytes written.
    public static func writeFields(
        _ fields: Fields, into buffer: UnsafeMutableRawBufferPointer
    ) throws(WireError) -> Int {
        var writer = Writer(buffer)
        try writer.fields(fields)
        return writer.offset
    }

    // MARK: Chunks

    /// At least the bytes of a chunk's size line: sixteen digits, CR, LF.
    public static var chunkHeaderBound: Int { 18 }

    /// Writes the size line of a chunk with `size` bytes (RFC 9112 §7.1); returns the bytes written.
    ///
    /// `size` is above zero: the chunk of size zero is ``lastChunk`` and ends the body. The data and ``chunkEnd``
    /// follow.
    public static func writeChunkHeader(
        size: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(WireError) -> Int {
        precondition(size > 0, "a chunk holds at least one byte; the chunk of size zero ends the body")
        var writer = Writer(buffer)
        let nibbles = (Int.bitWidth - size.leadingZeroBitCount + 3) / 4
        for index in 0..<nibbles {
            try writer.byte(Byte.hexDigit(UInt8(truncatingIfNeeded: size &>> (4 &* (nibbles &- 1 &- index))) & 0xF))
        }
        try writer.line()
        return writer.offset
    }

    /// What follows a chunk's data.
    public static var chunkEnd: StaticString { "\r\n" }

    /// The end of a chunked body without trailers.
    public static var lastChunk: StaticString { "0\r\n\r\n" }

    /// At least the bytes that ``writeLastChunk(trailers:into:)`` writes.
    public static func lastChunkBound(trailers: Fields) -> Int { 5 + fieldsBound(trailers) }

    /// Writes the zero chunk, trailers and the empty line; returns the bytes written.
    ///
    /// Throws ``WireError/forbiddenTrailer`` for a field that receivers must not take from trailers (RFC 9110 §6.5.1).
    public static func writeLastChunk(
        trailers: Fields, into buffer: UnsafeMutableRawBufferPointer
    ) throws(WireError) -> Int {
        for (name, _) in trailers where TrailerLines.isForbidden(name) { throw .forbiddenTrailer }
        var writer = Writer(buffer)
        try writer.byte(Byte.zero)
        try writer.line()
        try writer.fields(trailers)
        try writer.line()
        return writer.offset
    }

    // MARK: Numbers

    /// At least the bytes of any decimal number.
    public static var decimalBound: Int { 20 }

    /// Writes `value` in decimal; returns the bytes written. A negative value is written as zero: no length is one.
    public static func writeDecimal(
        _ value: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(WireError) -> Int {
        var writer = Writer(buffer)
        try writer.decimal(max(value, 0))
        return writer.offset
    }
}
