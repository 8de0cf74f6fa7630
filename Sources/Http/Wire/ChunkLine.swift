/// Reading a chunk's size line byte by byte (RFC 9112 §7.1): size, extensions that are checked and ignored, CR LF.
struct ChunkLine: Sendable {
    private(set) var size = 0
    private var digits: UInt8 = 0
    private var length = 0
    private var place = Place.size

    private enum Place: UInt8 {
        case size, beforeSemicolon, beforeName, name, afterName, beforeValue, token, quoted, escaped, afterQuote, lf
    }

    /// Takes bytes from `start`; the index after the line's end, or nil when it has taken them all.
    mutating func read(_ bytes: Bytes, from start: Int, to end: Int, limit: Int) throws(WireError) -> Int? {
        var index = start
        while index < end {
            let byte = bytes[index]
            index &+= 1
            length &+= 1
            if place == .size, let digit = Byte.hexValue(byte) {
                digits &+= 1
                // Sixteen digits hold any 64-bit size; more would be zeros without end.
                guard digits <= 16 else { throw .invalidChunkSize }
                guard size <= Int.max >> 4 else { throw .chunkSizeOverflow }
                size = size &<< 4 | Int(digit)
                continue
            }
            if place == .lf {
                guard byte == Byte.lf else { throw .bareCarriageReturn }
                return index
            }
            guard length < limit else { throw .chunkLineTooLong }
            try step(byte)
        }
        return nil
    }

    private mutating func step(_ byte: UInt8) throws(WireError) {
        if byte == Byte.lf { throw .bareLineFeed }
        if place == .size {
            guard digits > 0 else { throw .invalidChunkSize }
            switch byte {
            case Byte.cr: place = .lf
            case Byte.semicolon: place = .beforeName
            case Byte.space, Byte.tab: place = .beforeSemicolon
            default: throw .invalidChunkSize
            }
            return
        }
        try stepExtension(byte)
    }

    /// RFC 9112 §7.1.1: `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
    private mutating func stepExtension(_ byte: UInt8) throws(WireError) {
        let isBlank = Byte.isBlank(byte)
        let isToken = ByteClass.token.contains(byte)
        switch place {
        case .size, .lf:
            return
        case .beforeSemicolon:
            if isBlank { return }
            // Blanks that no extension follows are no bad white space of the grammar's, and others read them otherwise.
            guard byte == Byte.semicolon else { throw .invalidChunkSize }
            place = .beforeName
        case .beforeName:
            if isBlank { return }
            guard isToken else { throw .invalidChunkExtension }
            place = .name
        case .name:
            if isToken { return }
            try endElement(byte, mayHaveValue: true)
        case .afterName:
            if isBlank { return }
            guard byte != Byte.cr else { throw .invalidChunkExtension }
            try endElement(byte, mayHaveValue: true)
        case .beforeValue:
            if isBlank { return }
            guard isToken || byte == Byte.quote else { throw .invalidChunkExtension }
            place = isToken ? .token : .quoted
        case .token:
            if isToken { return }
            try endElement(byte, mayHaveValue: false)
        case .quoted:
            guard Byte.isText(byte) else { throw .invalidChunkExtension }
            if byte == Byte.quote { place = .afterQuote } else if byte == Byte.backslash { place = .escaped }
        case .escaped:
            guard Byte.isText(byte) else { throw .invalidChunkExtension }
            place = .quoted
        case .afterQuote:
            try endElement(byte, mayHaveValue: false)
        }
    }

    private mutating func endElement(_ byte: UInt8, mayHaveValue: Bool) throws(WireError) {
        switch byte {
        case Byte.cr: place = .lf
        case Byte.semicolon: place = .beforeName
        case Byte.equals where mayHaveValue: place = .beforeValue
        case Byte.space, Byte.tab: place = mayHaveValue ? .afterName : .beforeSemicolon
        default: throw .invalidChunkExtension
        }
    }

    /// The bytes the line has taken, its end included.
    var bytesRead: Int { length }
}
