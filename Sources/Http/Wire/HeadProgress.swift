/// How far a head has been read: what lets a parser go on where it stopped, so that drip-fed bytes cost linear time.
struct HeadProgress: Sendable {
    /// The first byte of the start line; empty lines before it are skipped.
    var start = 0
    /// The first byte of the line being read.
    var lineStart = 0
    /// Everything of that line before this is known to hold no line end and no fault.
    var scanned = 0
    var emptyLines = 0
    var stage = Stage.idle

    enum Stage: UInt8 {
        case idle, startLine, fields
    }

    /// Skips empty lines before the start line (RFC 9112 §2.2). False when the bytes run out first.
    mutating func skipEmptyLines(_ bytes: Bytes, count: Int, limit: Int) throws(WireError) -> Bool {
        while start < count {
            if bytes[start] == Byte.lf { throw .bareLineFeed }
            guard bytes[start] == Byte.cr else { return true }
            guard start &+ 1 < count else { return false }
            guard bytes[start &+ 1] == Byte.lf else { throw .bareCarriageReturn }
            emptyLines &+= 1
            guard emptyLines <= limit else { throw .tooManyEmptyLines }
            start &+= 2
            lineStart = start
            scanned = start
        }
        return false
    }

    /// Whether the line that was incomplete may be complete, or faulty, now.
    ///
    /// A line is looked at twice at most: while it arrives only for its end or a control, and whole when that is there.
    /// The first bytes of a start line are the exception, read anew each time, so that garbage is refused at once.
    @inline(__always)
    mutating func mayGoOn(_ bytes: Bytes, end: Int) -> Bool {
        scanned <= lineStart || resumes(bytes, end: end)
    }

    @inline(never)
    private mutating func resumes(_ bytes: Bytes, end: Int) -> Bool {
        if stage == .startLine, scanned &- lineStart < 96 { return true }
        let stop = bytes.firstNonText(from: scanned, to: end)
        if stop == end || (stop &+ 1 == end && bytes[stop] == Byte.cr) {
            scanned = stop
            return false
        }
        return true
    }

    /// Notes that the line ran out of bytes at `end`.
    @inline(__always)
    mutating func suspend(_ bytes: Bytes, end: Int) {
        // A CR at the end is looked at again, together with what follows it.
        scanned = end > lineStart && bytes[end &- 1] == Byte.cr ? end &- 1 : end
    }

    /// Notes that the next line starts at `next`.
    @inline(__always)
    mutating func advance(to next: Int) {
        lineStart = next
        scanned = next
    }

    /// Reads field lines up to and with the empty one; the index after it, or nil when the bytes run out.
    @inline(__always)
    mutating func readFields(
        _ bytes: Bytes, count: Int, into state: UnsafeMutablePointer<HeadState>, limits: WireLimits
    ) throws(WireError) -> Int? {
        let bound = start &+ limits.headBound
        let end = min(count, bound)
        while true {
            guard mayGoOn(bytes, end: end) else { break }
            let line = lineStart
            guard line < end else { break }
            if bytes[line] == Byte.cr {
                guard line &+ 1 < end else { break }
                guard bytes[line &+ 1] == Byte.lf else { throw .bareCarriageReturn }
                return line &+ 2
            }
            var span = FieldSpan(nameStart: 0, nameEnd: 0, valueStart: 0, valueEnd: 0)
            let next: Int
            do throws(WireError) {
                next = try FieldLine.read(bytes, from: line, to: end, origin: start, into: &span)
            } catch .foldedField where state.pointee.pendingFields == 0 {
                // RFC 9112 §2.2: neither consumed nor taken for a field.
                throw .whitespaceBeforeFields
            }
            guard next >= 0 else {
                suspend(bytes, end: end)
                break
            }
            guard state.pointee.pendingFields < limits.fieldCount else { throw .tooManyFields }
            state.pointee.append(span)
            try state.pointee.note(span, bytes, origin: start)
            advance(to: next)
        }
        if count >= bound { throw .headTooLarge }
        return nil
    }
}
