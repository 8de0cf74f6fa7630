// The words of a command line, as fingers know them.

/// A command line word by word: `-p 80`, `-p80`, `--port 80`, `--port=80`, and operands; after `--` only those.
public struct CommandWords {
    /// One word, and what it is.
    public enum Word {
        case option(String)
        case operand(String)

        /// The word as it was written, without its value.
        public var name: String {
            switch self {
            case .option(let name), .operand(let name): name
            }
        }
    }

    private var words: ArraySlice<String>
    /// The value that came in the same word as the option.
    private var attached: String?
    private var isPastOptions = false

    /// Reads these words; the program's own name is not among them.
    public init(_ words: [String]) { self.words = words[...] }

    /// True when the option read last came with a value that nobody took.
    public var hasUnusedValue: Bool { attached != nil }

    /// The next word; nil after the last.
    public mutating func next() -> Word? {
        guard let word = words.popFirst() else { return nil }
        if isPastOptions || !word.hasPrefix("-") || word == "-" { return .operand(word) }
        if word == "--" {
            isPastOptions = true
            return next()
        }
        if word.hasPrefix("--") {
            guard let equals = word.firstIndex(of: "=") else { return .option(word) }
            attached = String(word[word.index(after: equals)...])
            return .option(String(word[..<equals]))
        }
        let name = word.prefix(2)
        if name.count < word.count { attached = String(word.dropFirst(2)) }
        return .option(String(name))
    }

    /// The value of the option read last.
    ///
    /// - Throws: `Complaint` when there is none.
    public mutating func value(of option: String) throws(Complaint) -> String {
        defer { attached = nil }
        guard let value = attached ?? words.popFirst() else { throw Complaint("\(option) needs a value after it.") }
        return value
    }
}

/// What is wrong with a command line, and what to do about it.
public struct Complaint: Error {
    /// A full sentence.
    public let text: String

    /// A complaint in these words.
    public init(_ text: String) { self.text = text }
}
