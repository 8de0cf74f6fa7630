/// Borrowed bytes under parsing: a base address and words at any offset.
///
/// It knows no end; every reader below carries its own `end` and looks only before it.
struct Bytes {
    // SAFETY: made from a caller's buffer inside one call and never kept beyond it; every subscript and load is
    // guarded by a comparison with an `end` that is at most that buffer's count.
    let base: UnsafeRawPointer

    @inline(__always)
    init(_ base: UnsafeRawPointer) { self.base = base }

    @inline(__always)
    subscript(index: Int) -> UInt8 { base.load(fromByteOffset: index, as: UInt8.self) }

    @inline(__always)
    func word64(_ index: Int) -> UInt64 {
        UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    @inline(__always)
    func word32(_ index: Int) -> UInt32 {
        UInt32(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt32.self))
    }

    /// The first index in `start..<end` whose byte is a control (HTAB included) or DEL, or `end`.
    ///
    /// Eight bytes a step: a zero-byte test for each of "below 0x20" and "equals 0x7F", exact for the lowest hit.
    @inline(__always)
    func firstControl(from start: Int, to end: Int) -> Int {
        var index = start
        while index &+ 8 <= end {
            let word = word64(index)
            let below = (word &- 0x2020_2020_2020_2020) & ~word
            let del = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let isDel = (del &- 0x0101_0101_0101_0101) & ~del
            // The top bit of bytes above 127 is cleared: obs-text is not a control.
            let hits = (below | (isDel & ~word)) & 0x8080_8080_8080_8080
            if hits != 0 { return index &+ hits.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < end {
            let byte = self[index]
            if byte < 0x20 || byte == Byte.del { return index }
            index &+= 1
        }
        return end
    }

    /// The first index in `start..<end` whose byte no field value may hold, or `end`; HTAB is passed over.
    @inline(__always)
    func firstNonText(from start: Int, to end: Int) -> Int {
        var index = firstControl(from: start, to: end)
        while index < end, self[index] == Byte.tab { index = firstControl(from: index &+ 1, to: end) }
        return index
    }

    /// The first index in `start..<end` whose byte is no token character (RFC 9110 §5.6.2), or `end`.
    ///
    /// Names are letters and hyphens nearly always: those go by eight at a time, any other byte by itself.
    @inline(__always)
    func endOfToken(from start: Int, to end: Int) -> Int {
        let token = ByteClass.token
        var index = start
        while index < end {
            if index &+ 8 <= end {
                let word = word64(index)
                let other = ~(Self.letters(word) | Self.range(word, 0x5353_5353_5353_5353, 0x5252_5252_5252_5252))
                let stops = (other | word) & 0x8080_8080_8080_8080
                if stops == 0 {
                    index &+= 8
                    continue
                }
                index &+= stops.trailingZeroBitCount &>> 3
            }
            guard token.contains(self[index]) else { return index }
            index &+= 1
        }
        return end
    }

    /// The first index in `start..<end` whose byte a request target may not simply hold, or `end`.
    @inline(__always)
    func endOfPlainTarget(from start: Int, to end: Int) -> Int {
        let stop = ByteClass.targetStop
        var index = start
        while index < end {
            if index &+ 8 <= end {
                // Letters, and all from `$` to `>`: digits, slash, most of what queries hold.
                let word = word64(index)
                let other = ~(Self.letters(word) | Self.range(word, 0x5C5C_5C5C_5C5C_5C5C, 0x4141_4141_4141_4141))
                let stops = (other | word) & 0x8080_8080_8080_8080
                if stops == 0 {
                    index &+= 8
                    continue
                }
                index &+= stops.trailingZeroBitCount &>> 3
            }
            if stop.contains(self[index]) { return index }
            index &+= 1
        }
        return end
    }

    /// The top bit of each byte that is an ASCII letter; bytes above 127 come out as their lower seven bits would.
    @inline(__always)
    private static func letters(_ word: UInt64) -> UInt64 {
        range(word | 0x2020_2020_2020_2020, 0x1F1F_1F1F_1F1F_1F1F, 0x0505_0505_0505_0505)
    }

    /// The top bit of each byte in a range of ASCII, whose bounds are given as what carries into that bit: 0x80 minus
    /// the first byte, and 0x7F minus the last, in every byte. No byte carries into the next.
    @inline(__always)
    private static func range(_ word: UInt64, _ reachesFirst: UInt64, _ passesLast: UInt64) -> UInt64 {
        let low = word & 0x7F7F_7F7F_7F7F_7F7F
        return (low &+ reachesFirst) & ~(low &+ passesLast)
    }

    /// The first index in `start..<end` that is neither SP nor HTAB, or `end`.
    @inline(__always)
    func skipBlanks(from start: Int, to end: Int) -> Int {
        var index = start
        while index < end, Byte.isBlank(self[index]) { index &+= 1 }
        return index
    }

    /// Whether `start..<end` spells `word`, which is lower case, in any case.
    @inline(__always)
    func matches(_ word: StaticString, from start: Int, to end: Int) -> Bool {
        guard end &- start == word.utf8CodeUnitCount else { return false }
        let pattern = word.utf8Start
        var index = 0
        while index < end &- start {
            if Byte.lowered(self[start &+ index]) != pattern[index] { return false }
            index &+= 1
        }
        return true
    }

    func string(_ start: Int, _ end: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: base + start, count: end - start), as: UTF8.self)
    }
}
