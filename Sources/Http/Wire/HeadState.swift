/// Where one field line's name and value lie, from the first byte of the start line.
struct FieldSpan {
    var nameStart: UInt32
    var nameEnd: UInt32
    var valueStart: UInt32
    var valueEnd: UInt32
}

/// Everything a parsed head knows, in one allocation outside the class that owns it.
///
/// Behind a `let` pointer its members cost no exclusivity check, which a class's own stored properties would.
struct HeadState {
    // SAFETY: both blocks are owned by the `MessageHead` whose state this is and freed in its `deinit`.
    /// The head's own copy of its bytes; valid for `byteCount` once the parse is complete.
    var bytes = UnsafeMutableRawPointer.allocate(byteCount: 512, alignment: 16)
    var byteCapacity = 512
    var byteCount = 0
    var table = UnsafeMutablePointer<FieldSpan>.allocate(capacity: 16)
    var tableCapacity = 16
    /// Field lines readers may see; stays zero until the head is complete.
    var fieldCount = 0
    /// Field lines parsed so far.
    var pendingFields = 0

    var notes = FieldNotes()

    var version = Version.http11
    var keepAlive = false
    var framing = Framing.none

    var method = Method.Code.other
    var methodEnd: UInt32 = 0
    var targetStart: UInt32 = 0
    var targetEnd: UInt32 = 0
    var pathStart: UInt32 = 0
    var pathEnd: UInt32 = 0
    /// The byte after `?`, or zero without one.
    var queryStart: UInt32 = 0
    /// The target's own authority (absolute-form or authority-form); zero without one.
    var authorityStart: UInt32 = 0
    var authorityEnd: UInt32 = 0

    var status: UInt16 = 0
    var reasonStart: UInt32 = 0
    var reasonEnd: UInt32 = 0

    /// Forgets the last message and keeps the memory.
    mutating func begin() {
        byteCount = 0
        fieldCount = 0
        pendingFields = 0
        notes = FieldNotes()
        queryStart = 0
        authorityStart = 0
        authorityEnd = 0
    }

    /// Adds a field line to the table; amortised constant time.
    @inline(__always)
    mutating func append(_ span: FieldSpan) {
        if pendingFields == tableCapacity { growTable() }
        table[pendingFields] = span
        pendingFields &+= 1
    }

    @inline(never)
    private mutating func growTable() {
        let larger = UnsafeMutablePointer<FieldSpan>.allocate(capacity: tableCapacity * 2)
        larger.update(from: table, count: pendingFields)
        table.deallocate()
        table = larger
        tableCapacity *= 2
    }

    /// Copies the complete head out of the read buffer and shows the fields.
    @inline(__always)
    mutating func adopt(_ source: UnsafeRawPointer, count: Int) {
        // A head that was once large does not keep its memory for ever on an idle connection.
        if count > byteCapacity || (byteCapacity > 4096 && count < 1024) { resize(for: count) }
        bytes.copyMemory(from: source, byteCount: count)
        byteCount = count
        fieldCount = pendingFields
    }

    @inline(never)
    private mutating func resize(for count: Int) {
        bytes.deallocate()
        byteCapacity = count <= 1024 ? 1024 : count + count / 2
        bytes = UnsafeMutableRawPointer.allocate(byteCount: byteCapacity, alignment: 16)
    }

    func destroy() {
        bytes.deallocate()
        table.deallocate()
    }

    func string(_ start: UInt32, _ end: UInt32) -> String { Bytes(bytes).string(Int(start), Int(end)) }

    func slice(_ start: UInt32, _ end: UInt32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes + Int(start), count: Int(end - start))
    }
}

/// What framing and routing need to know of the fields, gathered while the lines pass by.
struct FieldNotes {
    /// The declared length, or -1.
    var contentLength = -1
    var transferEncodingLines: UInt8 = 0
    var transferEncoding = Coding.none
    var hostLines: UInt8 = 0
    var closes = false
    var keepsAlive = false
    var wantsUpgrade = false
    var expectsContinue = false
    var expectsOther = false
    var hasUpgrade = false
    /// The last Host line.
    var host = FieldSpan(nameStart: 0, nameEnd: 0, valueStart: 0, valueEnd: 0)

    /// What the Transfer-Encoding lines amount to.
    enum Coding: UInt8 {
        case none, chunked, unsupported, malformed
    }
}
