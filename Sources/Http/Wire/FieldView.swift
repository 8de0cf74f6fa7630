/// The fields of a parsed head, read where they lie; holds the head alive.
///
/// Names are compared without regard to case (RFC 9110 §5.1). Strings are made as they are asked for; bytes that are no
/// UTF-8 become U+FFFD in them, and ``withBytes(of:_:)`` gives them as they came. A look-up is linear in the lines.
public struct FieldView: Sendable, Sequence {
    private let head: MessageHead

    init(_ head: MessageHead) { self.head = head }

    /// The number of field lines.
    public var count: Int { head.state.pointee.fieldCount }

    /// Whether there is no field.
    public var isEmpty: Bool { count == 0 }

    /// The value of the first line with this name, or nil.
    public subscript(name: String) -> String? {
        guard let index = firstIndex(of: name) else { return nil }
        let span = head.state.pointee.table[index]
        return head.string(span.valueStart, span.valueEnd)
    }

    /// The values of all lines with this name, in order.
    public func all(_ name: String) -> [String] {
        var values: [String] = []
        var from = 0
        while let index = firstIndex(of: name, from: from) {
            let span = head.state.pointee.table[index]
            values.append(head.string(span.valueStart, span.valueEnd))
            from = index + 1
        }
        return values
    }

    /// The values of all lines with this name joined by commas into one list (RFC 9110 §5.3), or nil without one.
    ///
    /// Not for `Set-Cookie`, whose values have commas of their own.
    public func values(_ name: String) -> String? {
        let values = all(name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// Whether a line has this name.
    public func contains(_ name: String) -> Bool { firstIndex(of: name) != nil }

    /// Whether the lines with this name, read as lists of tokens, hold `token` in any case.
    public func contains(_ name: String, token: String) -> Bool {
        defer { withExtendedLifetime(head) {} }
        let token = Array(token.utf8)
        var from = 0
        while let index = firstIndex(of: name, from: from) {
            let span = head.state.pointee.table[index]
            let bytes = Bytes(head.state.pointee.bytes)
            var elements = ListElements(bytes, Int(span.valueStart), Int(span.valueEnd))
            while let (start, end) = elements.next() {
                if end - start == token.count, token.withUnsafeBytes({ bytes.equals($0, at: start) }) { return true }
            }
            from = index + 1
        }
        return false
    }

    /// `body`'s result for the bytes of the first value with this name, valid inside it only; nil without one.
    public func withBytes<Result, Failure: Error>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let index = firstIndex(of: name) else { return nil }
        let span = head.state.pointee.table[index]
        return try head.withSlice(span.valueStart, span.valueEnd, body)
    }

    private func firstIndex(of name: String, from first: Int = 0) -> Int? {
        defer { withExtendedLifetime(head) {} }
        let found = name.utf8.withContiguousStorageIfAvailable {
            firstIndex(of: UnsafeRawBufferPointer($0), from: first)
        }
        if let found { return found }
        return Array(name.utf8).withUnsafeBytes { firstIndex(of: $0, from: first) }
    }

    private func firstIndex(of name: UnsafeRawBufferPointer, from first: Int) -> Int? {
        let state = head.state
        let bytes = Bytes(state.pointee.bytes)
        var index = first
        while index < state.pointee.fieldCount {
            let span = state.pointee.table[index]
            if Int(span.nameEnd &- span.nameStart) == name.count, bytes.equals(name, at: Int(span.nameStart)) {
                return index
            }
            index &+= 1
        }
        return nil
    }

    /// The lines in order, as name and value.
    public func makeIterator() -> Iterator { Iterator(head: head) }

    /// Walks the lines of a ``FieldView``.
    public struct Iterator: IteratorProtocol {
        fileprivate let head: MessageHead
        private var index = 0

        fileprivate init(head: MessageHead) { self.head = head }

        /// The next line's name and value, or nil after the last.
        public mutating func next() -> (name: String, value: String)? {
            guard index < head.state.pointee.fieldCount else { return nil }
            let span = head.state.pointee.table[index]
            index += 1
            return (head.string(span.nameStart, span.nameEnd), head.string(span.valueStart, span.valueEnd))
        }
    }
}

extension Bytes {
    /// Whether the bytes at `start`, as many as `word` has, are those of `word` but for the case of ASCII letters.
    func equals(_ word: UnsafeRawBufferPointer, at start: Int) -> Bool {
        guard let other = word.baseAddress.map(Bytes.init) else { return true }
        var index = 0
        while index < word.count {
            let left = other[index]
            let right = self[start &+ index]
            if left != right, Byte.lowered(left) != Byte.lowered(right) { return false }
            index &+= 1
        }
        return true
    }
}
