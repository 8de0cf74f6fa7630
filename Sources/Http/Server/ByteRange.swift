// One range of a representation (RFC 9110 §14): what a Range field asks for, held against a length.

/// What a `Range` field comes to.
enum ByteRange: Equatable {
    /// The field is to be ignored, or asks for everything: 200.
    case whole
    /// These bytes: 206.
    case part(Range<Int>)
    /// Nothing of it is there: 416.
    case unsatisfiable

    /// Several ranges are ignored, which the sender must be ready for (RFC 9110 §14.2): nothing can be amplified.
    init(_ field: String, length: Int) {
        guard let equals = field.firstIndex(of: "="), field[..<equals].lowercased() == "bytes" else {
            self = .whole
            return
        }
        let ends = field[field.index(after: equals)...].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = ByteRange.number(ends[0]), let last = ByteRange.number(ends[1]) else {
            self = .whole
            return
        }
        switch (first, last) {
        case (.none, .none): self = .whole
        case (.none, .some(0)): self = .unsatisfiable
        case (.none, .some(let suffix)): self = ByteRange.clipped(max(0, length - suffix), length, length)
        case (.some(let first), .none): self = ByteRange.clipped(first, length, length)
        case (.some(let first), .some(let last)):
            self = first > last ? .unsatisfiable : ByteRange.clipped(first, last == .max ? last : last + 1, length)
        }
    }

    private static func clipped(_ start: Int, _ end: Int, _ length: Int) -> ByteRange {
        if start == 0, end >= length, end > 0 || length == 0 { return .whole }
        guard start < length, end > start else { return .unsatisfiable }
        return .part(start..<min(end, length))
    }

    /// The number that the digits spell, held at `Int.max`; `.some(nil)` for no digits, nil for anything else.
    private static func number(_ text: Substring) -> Int?? {
        if text.isEmpty { return .some(nil) }
        var number = 0
        for byte in text.utf8 {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            number = overflow || carry ? .max : sum
        }
        return number
    }
}
