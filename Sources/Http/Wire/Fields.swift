/// Header or trailer fields to build a message from: ordered, names in any case, several values for a name.
///
/// What cannot be sent cannot get in: a name is token characters, a value holds no control but HTAB (RFC 9110 §5.1,
/// §5.5) and loses the blanks at its ends. Look-ups are linear; a message has few fields.
public struct Fields: Sendable, Equatable {
    private(set) var lines: [Line] = []

    /// The fault of a dictionary literal's first pair that could not be taken; every encoder throws it.
    ///
    /// A literal cannot throw, yet may carry user input: it is neither trapped on, nor sent, nor silently forgotten.
    public private(set) var fault: WireError?

    struct Line: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// No fields.
    public init() {}

    /// A copy of a parsed head's fields, out of its memory. Bytes that are no UTF-8 become U+FFFD.
    public init(_ view: FieldView) {
        lines.reserveCapacity(view.count)
        for (name, value) in view { lines.append(Line(name: name, value: value)) }
    }

    /// Adds a line after the others. Throws ``WireError/emptyFieldName``, `invalidFieldName` or `invalidFieldValue`.
    public mutating func append(_ name: String, _ value: String) throws(WireError) {
        lines.append(try Self.line(name, value))
    }

    /// Replaces the first line of this name by this value, or adds one, and removes any others. Throws as ``append``.
    public mutating func set(_ name: String, _ value: String) throws(WireError) {
        let line = try Self.line(name, value)
        guard let first = lines.firstIndex(where: { Self.isSame($0.name, name) }) else {
            lines.append(line)
            return
        }
        lines[first] = line
        var index = first + 1
        while index < lines.count {
            if Self.isSame(lines[index].name, name) { lines.remove(at: index) } else { index += 1 }
        }
    }

    /// Removes all lines of this name.
    public mutating func remove(_ name: String) { lines.removeAll { Self.isSame($0.name, name) } }

    /// Adds the lines of `other`, and its fault.
    public mutating func append(contentsOf other: Fields) {
        lines.append(contentsOf: other.lines)
        if fault == nil { fault = other.fault }
    }

    /// The value of the first line of this name, or nil.
    public subscript(name: String) -> String? { lines.first { Self.isSame($0.name, name) }?.value }

    /// The values of all lines of this name, in order.
    public func all(_ name: String) -> [String] {
        lines.compactMap { Self.isSame($0.name, name) ? $0.value : nil }
    }

    /// The values of all lines of this name as one list, joined by commas (RFC 9110 §5.3), or nil without one.
    public func values(_ name: String) -> String? {
        let values = all(name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// Whether a line has this name.
    public func contains(_ name: String) -> Bool { lines.contains { Self.isSame($0.name, name) } }

    /// The number of lines.
    public var count: Int { lines.count }

    /// Whether there is no line.
    public var isEmpty: Bool { lines.isEmpty }

    private static func line(_ name: String, _ value: String) throws(WireError) -> Line {
        guard !name.isEmpty else { throw .emptyFieldName }
        let token = ByteClass.token
        guard name.utf8.allSatisfy({ token.contains($0) }) else { throw .invalidFieldName }
        guard value.utf8.allSatisfy({ Byte.isText($0) }) else { throw .invalidFieldValue }
        guard let first = value.utf8.first, let last = value.utf8.last, Byte.isBlank(first) || Byte.isBlank(last) else {
            return Line(name: name, value: value)
        }
        var trimmed = value.utf8[...]
        while let first = trimmed.first, Byte.isBlank(first) { trimmed.removeFirst() }
        while let last = trimmed.last, Byte.isBlank(last) { trimmed.removeLast() }
        return Line(name: name, value: String(Substring(trimmed)))
    }

    /// Whether two field names are equal but for the case of ASCII letters (RFC 9110 §5.1).
    package static func isSame(_ left: String, _ right: String) -> Bool {
        let left = left.utf8
        let right = right.utf8
        return left.count == right.count && left.elementsEqual(right) { Byte.lowered($0) == Byte.lowered($1) }
    }
}

extension Fields: ExpressibleByDictionaryLiteral {
    /// The pairs in order, equal names included; a pair that cannot be sent is left out and remembered in ``fault``.
    public init(dictionaryLiteral elements: (String, String)...) {
        for (name, value) in elements {
            do throws(WireError) { try append(name, value) } catch { if fault == nil { fault = error } }
        }
    }
}

extension Fields: Sequence {
    /// The lines in order, as name and value.
    public func makeIterator() -> Iterator { Iterator(lines: lines.makeIterator()) }

    /// Walks the lines of a ``Fields``.
    public struct Iterator: IteratorProtocol {
        fileprivate var lines: IndexingIterator<[Line]>

        /// The next line's name and value, or nil after the last.
        public mutating func next() -> (name: String, value: String)? { lines.next().map { ($0.name, $0.value) } }
    }
}

extension Fields: CustomStringConvertible {
    /// One line for each field, `name: value`.
    public var description: String { lines.map { "\($0.name): \($0.value)" }.joined(separator: "\n") }
}
