// Arguments as fingers know them: -sSf, -oFILE, -o FILE, --output=FILE, --output FILE, --, in any order.

/// What a command line wants.
enum Command {
    case fetch(Options)
    case showHelp
    case showVersion
}

/// Reads a command line by the table of options.
struct CommandParser {
    private var options = Options()
    private var rest: ArraySlice<String>

    private init(_ arguments: [String]) { rest = arguments[...] }

    /// - Throws: `Failure` with exit code 2, and what to do about it.
    static func parse(_ arguments: [String]) throws -> Command {
        var parser = CommandParser(arguments)
        return try parser.parse()
    }

    private mutating func parse() throws -> Command {
        var takesOptions = true
        while let argument = rest.popFirst() {
            // A single - is a name, not an option; after -- everything is.
            guard takesOptions, argument.hasPrefix("-"), argument != "-" else {
                options.urls.append(argument)
                continue
            }
            switch argument {
            case "--": takesOptions = false
            case "--help", "-h": return .showHelp
            case "--version", "-V": return .showVersion
            case _ where argument.hasPrefix("--"): try readLong(argument.dropFirst(2))
            default: try readShort(argument.dropFirst())
            }
        }
        guard !options.urls.isEmpty else {
            throw Failure(.failedToStart, "No URL given", hint: "Try coro-fetch --help.")
        }
        if options.asksHeadOnly, options.data != nil {
            throw Failure(.failedToStart, "-I asks for no body, -d sends one", hint: "Use -X HEAD -d if that is meant.")
        }
        try options.tls.check()
        return .fetch(options)
    }

    private mutating func readLong(_ text: Substring) throws {
        let name = text.prefix { $0 != "=" }
        guard let option = CommandOption.all.first(where: { $0.long == name }) else {
            throw Failure(.failedToStart, "Unknown option --\(name)", hint: Suggestion.hint(for: String(name)))
        }
        if name.endIndex < text.endIndex {
            guard option.argument != nil else { throw Failure(.failedToStart, "--\(name) takes no value") }
            try option.apply(&options, String(text[text.index(after: name.endIndex)...]))
        } else {
            try option.apply(&options, option.argument == nil ? "" : try value(of: "--\(name)"))
        }
    }

    private mutating func readShort(_ cluster: Substring) throws {
        var letters = cluster
        while let letter = letters.popFirst() {
            guard let option = CommandOption.all.first(where: { $0.short == letter }) else {
                throw Failure(.failedToStart, "Unknown option -\(letter)", hint: "Try coro-fetch --help.")
            }
            guard option.argument != nil else {
                try option.apply(&options, "")
                continue
            }
            // What is left of the cluster is the value: -oFILE, -XPUT.
            try option.apply(&options, letters.isEmpty ? try value(of: "-\(letter)") : String(letters))
            return
        }
    }

    private mutating func value(of option: String) throws -> String {
        guard let value = rest.popFirst() else {
            throw Failure(.failedToStart, "\(option) needs a value", hint: "Try coro-fetch --help.")
        }
        return value
    }
}

/// Numbers on the command line.
enum Number {
    static func seconds(_ text: String, _ option: String) throws -> Duration {
        // Up to about thirty years: more is a slip, and would not fit a clock in nanoseconds.
        guard let seconds = Double(text), seconds >= 0, seconds < 1e9 else {
            throw Failure(.failedToStart, "\(option) wants seconds, such as 2.5; this is \(text)")
        }
        return .seconds(seconds)
    }

    static func count(_ text: String, _ option: String) throws -> Int {
        guard let count = Int(text), count > 0, count <= 65535 else {
            throw Failure(.failedToStart, "\(option) wants a number from 1 to 65535; this is \(text)")
        }
        return count
    }

    static func redirects(_ text: String, _ option: String) throws -> Int {
        guard let count = Int(text), count >= -1 else {
            throw Failure(.failedToStart, "\(option) wants a number, or -1 for no limit; this is \(text)")
        }
        return count < 0 ? .max : count
    }
}

/// The option that was probably meant.
enum Suggestion {
    static func hint(for name: String) -> String {
        let nearest = CommandOption.all.map { ($0.long, distance(name, $0.long)) }.min { $0.1 < $1.1 }
        guard let (long, distance) = nearest, distance <= max(2, name.count / 3) else {
            return "Try coro-fetch --help."
        }
        return "Did you mean --\(long)?"
    }

    /// How many letters must be added, dropped or changed (Levenshtein), row by row.
    private static func distance(_ left: String, _ right: String) -> Int {
        var row = Array(0...right.count)
        for (index, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let change = diagonal + (letter == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(change, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
