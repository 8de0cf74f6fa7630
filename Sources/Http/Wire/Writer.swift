/// A cursor over the caller's memory; every write checks the room that is left.
struct Writer {
    // SAFETY: borrowed for one call of the encoder; each store is preceded by a comparison with its count.
    private let buffer: UnsafeMutableRawBufferPointer
    var offset = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    @inline(__always)
    private func room(_ count: Int) throws(WireError) -> UnsafeMutableRawPointer {
        guard buffer.count &- offset >= count, let base = buffer.baseAddress else { throw .bufferTooSmall }
        return base + offset
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) throws(WireError) {
        try room(1).storeBytes(of: byte, as: UInt8.self)
        offset &+= 1
    }

    @inline(__always)
    mutating func line() throws(WireError) {
        let line: UInt16 = 0x0A0D
        try room(2).storeBytes(of: line.littleEndian, as: UInt16.self)
        offset &+= 2
    }

    @inline(__always)
    mutating func version(_ version: Version) throws(WireError) {
        let word: UInt64 = version == .http11 ? 0x312E_312F_5054_5448 : 0x302E_312F_5054_5448
        try room(8).storeBytes(of: word.littleEndian, as: UInt64.self)
        offset &+= 8
    }

    mutating func string(_ string: String) throws(WireError) {
        let count = string.utf8.count
        if count == 0 { return }
        let destination = try room(count)
        let isCopied: Void? = string.utf8.withContiguousStorageIfAvailable { source in
            destination.copyMemory(from: UnsafeRawPointer(source.baseAddress!), byteCount: count)
        }
        if isCopied == nil {
            for (index, byte) in string.utf8.enumerated() {
                destination.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            }
        }
        offset &+= count
    }

    mutating func fields(_ fields: Fields) throws(WireError) {
        if let fault = fields.fault { throw fault }
        let separator: UInt16 = 0x203A
        for field in fields.lines {
            try string(field.name)
            try room(2).storeBytes(of: separator.littleEndian, as: UInt16.self)
            offset &+= 2
            try string(field.value)
            try line()
        }
    }

    mutating func requestLine(method: Method, target: String, version: Version) throws(WireError) {
        let name = method.name
        let token = ByteClass.token
        guard !name.isEmpty, name.utf8.allSatisfy({ token.contains($0) }) else { throw .invalidMethod }
        guard !target.isEmpty else { throw .emptyTarget }
        // Strict in what is sent: visible ASCII, as RFC 3986 spells URLs; a fragment stays at home (RFC 9112 §3.2.1).
        for byte in target.utf8 where byte <= Byte.space || byte >= Byte.del || byte == Byte.hash {
            throw byte == Byte.hash ? .fragmentInTarget : .invalidTarget
        }
        try string(name)
        try byte(Byte.space)
        try string(target)
        try byte(Byte.space)
        try self.version(version)
        try line()
    }

    /// Writes a number that is not negative.
    @inline(__always)
    mutating func decimal(_ value: Int) throws(WireError) {
        var count = 1
        var bound = 10
        while count < 19, value >= bound {
            count &+= 1
            if count < 19 { bound &*= 10 }
        }
        let start = try room(count)
        var rest = value
        var index = count
        while index > 0 {
            index &-= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            start.storeBytes(of: UInt8(truncatingIfNeeded: digit) &+ Byte.zero, toByteOffset: index, as: UInt8.self)
            rest = quotient
        }
        offset &+= count
    }
}
