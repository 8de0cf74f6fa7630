// The command line, read into what is to be done. Every complaint says what is wrong, where, and what to do.

internal import Coro

/// What to serve, and where.
struct Options: Sendable, Equatable {
    /// Nil for the demo endpoints.
    var directory: String?
    var host = "127.0.0.1"
    var port: UInt16 = 8000
    var loops = 1
    var isQuiet = false
}

enum CommandLineArguments {
    enum Outcome: Equatable {
        case serve(Options)
        case help
        case version
        case wrong(String)
    }

    private struct Complaint: Error { let text: String }

    static func parse(_ arguments: [String]) -> Outcome {
        var reader = Reader(arguments)
        var options = Options()
        do {
            while let argument = reader.next() {
                switch argument {
                case .option("-h"), .option("--help"): return .help
                case .option("-V"), .option("--version"): return .version
                case .option("-q"), .option("--quiet"): options.isQuiet = true
                case .option(let name) where name == "-p" || name == "--port":
                    options.port = try port(reader.value(of: name))
                case .option(let name) where name == "-b" || name == "--bind":
                    options.host = try host(reader.value(of: name))
                case .option("--loops"): options.loops = try loops(reader.value(of: "--loops"))
                case .option(let name): throw Complaint(text: "There is no option \(name).")
                case .operand(let directory):
                    guard options.directory == nil else {
                        throw Complaint(text: "One directory at most; \(directory) is the second.")
                    }
                    guard !directory.isEmpty else { throw Complaint(text: "The directory's name is empty; name one.") }
                    options.directory = directory
                }
                if reader.hasUnusedValue { throw Complaint(text: "\(argument.name) takes no value; leave it out.") }
            }
        } catch let complaint as Complaint {
            return .wrong(complaint.text)
        } catch {
            return .wrong("\(error)")
        }
        return .serve(options)
    }

    private static func port(_ text: String) throws -> UInt16 {
        guard let port = UInt16(text) else {
            throw Complaint(text: "--port \(text): a port is a number from 0 to 65535; 0 picks a free one.")
        }
        return port
    }

    private static func host(_ text: String) throws -> String {
        if text == "localhost" { return "127.0.0.1" }
        guard SocketAddress(ip: text, port: 0) != nil else {
            throw Complaint(
                text: "--bind \(text): give an IP address of this machine, for example 127.0.0.1, 0.0.0.0 or ::1.")
        }
        return text
    }

    private static func loops(_ text: String) throws -> Int {
        guard let loops = Int(text), (1...256).contains(loops) else {
            throw Complaint(text: "--loops \(text): give a number of threads from 1 to 256.")
        }
        return loops
    }

    // MARK: Words

    private enum Argument {
        case option(String)
        case operand(String)

        var name: String {
            switch self {
            case .option(let name), .operand(let name): name
            }
        }
    }

    /// The words of a command line: `-p 80`, `-p80`, `--port 80`, `--port=80`, and operands; after `--` only those.
    private struct Reader {
        private var words: ArraySlice<String>
        /// The value that came in the same word as the option.
        private var attached: String?
        private var isPastOptions = false

        init(_ words: [String]) { self.words = words[...] }

        var hasUnusedValue: Bool { attached != nil }

        mutating func next() -> Argument? {
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

        mutating func value(of option: String) throws -> String {
            defer { attached = nil }
            guard let value = attached ?? words.popFirst() else {
                throw Complaint(text: "\(option) needs a value after it.")
            }
            return value
        }
    }
}
