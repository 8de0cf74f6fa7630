/// A URL reference split at its delimiters (RFC 3986 §4.1 and appendix B), after one check of all its bytes.
struct URLParts {
    typealias Part = Substring.UTF8View

    var scheme: Part?
    var authority: Part?
    var path: Part
    var query: Part?
    var fragment: Part?

    /// Splits `text`. Throws for controls, blanks, DEL and backslashes anywhere, and for broken `%` sequences.
    init(_ text: String) throws(HTTPURL.Malformed) {
        try Self.check(text)
        var rest = text.utf8[...]
        if let hash = rest.firstIndex(of: Byte.hash) {
            fragment = rest[rest.index(after: hash)...]
            rest = rest[..<hash]
        }
        if let question = rest.firstIndex(of: Byte.question) {
            query = rest[rest.index(after: question)...]
            rest = rest[..<question]
        }
        if let colon = rest.firstIndex(where: { $0 == Byte.colon || $0 == Byte.slash }), rest[colon] == Byte.colon,
            Self.isScheme(rest[..<colon])
        {
            scheme = rest[..<colon]
            rest = rest[rest.index(after: colon)...]
        }
        if rest.starts(with: "//".utf8) {
            rest = rest.dropFirst(2)
            let end = rest.firstIndex(of: Byte.slash) ?? rest.endIndex
            authority = rest[..<end]
            rest = rest[end...]
        }
        path = rest
    }

    private static func isScheme(_ part: Part) -> Bool {
        guard let first = part.first, Byte.isAlpha(first) else { return false }
        return part.allSatisfy {
            Byte.isAlpha($0) || Byte.isDigit($0) || $0 == Byte.plus || $0 == Byte.minus || $0 == Byte.dot
        }
    }

    private static func check(_ text: String) throws(HTTPURL.Malformed) {
        var offset = 0
        var digitsDue = 0
        for byte in text.utf8 {
            if digitsDue > 0 {
                guard Byte.hexValue(byte) != nil else { throw .invalidPercent(offset: offset - (3 - digitsDue)) }
                digitsDue -= 1
            }
            // Some readers take a backslash for a slash; then host and path depend on who reads.
            if byte <= Byte.space || byte == Byte.del || byte == Byte.backslash {
                throw .invalidByte(byte, offset: offset)
            }
            if byte == Byte.percent { digitsDue = 2 }
            offset += 1
        }
        if digitsDue > 0 { throw .invalidPercent(offset: offset - (3 - digitsDue)) }
    }

    /// Where an encoded part stands.
    enum Place { case path, query, fragment }

    /// A checked part with what its grammar leaves out percent-encoded; what is encoded already stays as it is.
    static func encoded(_ part: Part, in place: Place) -> String {
        let allowed = place == .path ? ByteClass.path : ByteClass.query
        if part.allSatisfy({ allowed.contains($0) || $0 == Byte.percent }) { return String(Substring(part)) }
        var result: [UInt8] = []
        result.reserveCapacity(part.count + 16)
        for byte in part {
            if allowed.contains(byte) || byte == Byte.percent {
                result.append(byte)
            } else {
                PercentCoding.append(byte, to: &result)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// RFC 3986 §5.2.4, for a path that starts with a slash. Linear in the path.
    static func removingDotSegments(_ path: String) -> String {
        if !path.utf8.contains(Byte.dot) { return path }
        var output: [UInt8] = []
        var segments: [Int] = []
        let parts = path.utf8.dropFirst().split(separator: Byte.slash, omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            if part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) {
                if part.count == 2, let start = segments.popLast() { output.removeSubrange(start...) }
                if isLast { output.append(Byte.slash) }
            } else {
                segments.append(output.count)
                output.append(Byte.slash)
                output += part
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
