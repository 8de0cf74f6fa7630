/// Percent-encoding of URL parts (RFC 3986 §2.1).
public enum PercentCoding {
    /// Where a text will stand, which decides what stays as it is.
    public enum Place: Sendable, Equatable {
        /// One segment of a path: the slash is encoded.
        case segment
        /// A whole path: the slash stays.
        case path
        /// A name or value in a query: everything but unreserved characters is encoded.
        case queryValue
        /// A name or value of `application/x-www-form-urlencoded`: as `queryValue`, and the space becomes a plus.
        case form
    }

    /// `text` with each `%` sequence replaced by its byte; nil for a `%` without two hexadecimal digits or no UTF-8.
    ///
    /// With `plusIsSpace` a plus reads as a space, as forms have it. `%00` and `%2F` decode like others: who looks for
    /// files by the result checks for them.
    public static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        let isCoded = text.utf8.contains { $0 == Byte.percent || (plusIsSpace && $0 == Byte.plus) }
        if !isCoded { return String(text) }
        var copy = String(text)
        let bytes = copy.withUTF8 { decode(bytes: UnsafeRawBufferPointer($0), plusIsSpace: plusIsSpace) }
        return bytes.flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The bytes that `bytes` encode, whatever they are; nil for a `%` without two hexadecimal digits.
    public static func decode(bytes: UnsafeRawBufferPointer, plusIsSpace: Bool = false) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == Byte.percent {
                guard index + 2 < bytes.count, let high = Byte.hexValue(bytes[index + 1]),
                    let low = Byte.hexValue(bytes[index + 2])
                else { return nil }
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(plusIsSpace && byte == Byte.plus ? Byte.space : byte)
                index += 1
            }
        }
        return result
    }

    /// `text` with every byte that has no place there as `%` and two upper-case digits; `%` itself is always encoded.
    public static func encode(_ text: some StringProtocol, for place: Place) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if place.keeps(byte) {
                result.append(byte)
            } else if place == .form, byte == Byte.space {
                result.append(Byte.plus)
            } else {
                append(byte, to: &result)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    static func append(_ byte: UInt8, to result: inout [UInt8]) {
        result += [Byte.percent, Byte.hexDigit(byte >> 4), Byte.hexDigit(byte & 0xF)]
    }
}

extension PercentCoding.Place {
    fileprivate func keeps(_ byte: UInt8) -> Bool {
        switch self {
        case .segment:
            ByteClass.path.contains(byte) && byte != Byte.slash && byte != Byte.openBracket
                && byte != Byte.closeBracket
        case .path: ByteClass.path.contains(byte) && byte != Byte.openBracket && byte != Byte.closeBracket
        case .queryValue, .form: ByteClass.unreserved.contains(byte)
        }
    }
}
