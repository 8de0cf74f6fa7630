/// The character classes of HTTP and URI grammars, as two 64-bit maps that live in registers.
///
/// A table would be a load a byte and, as a lazily made global, a check as well.
struct ByteClass: Sendable {
    let low: UInt64
    let high: UInt64

    /// Whether the class holds `byte`; bytes above 127 are in no class.
    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let map = byte & 0x40 == 0 ? low : high
        return byte < 0x80 && (map &>> UInt64(byte & 0x3F)) & 1 != 0
    }

    /// `tchar`, RFC 9110 §5.6.2.
    @inline(__always)
    static var token: ByteClass { ByteClass(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }

    /// `unreserved`, RFC 3986 §2.3.
    @inline(__always)
    static var unreserved: ByteClass { ByteClass(low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }

    /// `reg-name` without `%`, and without the comma: RFC 3986 §3.2.2 lets it in, a list of hosts must stay out.
    @inline(__always)
    static var host: ByteClass { ByteClass(low: 0x2BFF_6FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }

    /// `userinfo` without `%`, RFC 3986 §3.2.1.
    @inline(__always)
    static var userinfo: ByteClass { ByteClass(low: 0x2FFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }

    /// `pchar`, the slash and, as browsers send them, square brackets; without `%` (RFC 3986 §3.3).
    @inline(__always)
    static var path: ByteClass { ByteClass(low: 0x2FFF_FFD2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFF) }

    /// The path class and the question mark (RFC 3986 §3.4).
    @inline(__always)
    static var query: ByteClass { ByteClass(low: 0xAFFF_FFD2_0000_0000, high: 0x47FF_FFFE_AFFF_FFFF) }

    /// What a scan of a request target stops at: SP, controls, DEL, `#`, `?`, `\`.
    @inline(__always)
    static var targetStop: ByteClass { ByteClass(low: 0x8000_0009_FFFF_FFFF, high: 0x8000_0000_1000_0000) }
}

/// Bytes by name.
enum Byte {
    static var tab: UInt8 { 0x09 }
    static var lf: UInt8 { 0x0A }
    static var cr: UInt8 { 0x0D }
    static var space: UInt8 { 0x20 }
    static var quote: UInt8 { 0x22 }
    static var hash: UInt8 { 0x23 }
    static var percent: UInt8 { 0x25 }
    static var asterisk: UInt8 { 0x2A }
    static var plus: UInt8 { 0x2B }
    static var comma: UInt8 { 0x2C }
    static var minus: UInt8 { 0x2D }
    static var dot: UInt8 { 0x2E }
    static var slash: UInt8 { 0x2F }
    static var zero: UInt8 { 0x30 }
    static var colon: UInt8 { 0x3A }
    static var semicolon: UInt8 { 0x3B }
    static var equals: UInt8 { 0x3D }
    static var question: UInt8 { 0x3F }
    static var at: UInt8 { 0x40 }
    static var openBracket: UInt8 { 0x5B }
    static var backslash: UInt8 { 0x5C }
    static var closeBracket: UInt8 { 0x5D }
    static var del: UInt8 { 0x7F }

    /// Whether `byte` is SP or HTAB: optional white space (RFC 9110 §5.6.3).
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    /// Whether `byte` may stand in a field value: anything but controls other than HTAB, and DEL (RFC 9110 §5.5).
    @inline(__always)
    static func isText(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != del : byte == tab }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    @inline(__always)
    static func isAlpha(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 }

    /// The value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    /// `byte` in lower case if it is an ASCII letter.
    @inline(__always)
    static func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// The upper-case hexadecimal digit of `nibble`, which is below 16.
    @inline(__always)
    static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 &+ nibble : 0x37 &+ nibble }
}
