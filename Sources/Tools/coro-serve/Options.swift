// The command line, read into what is to be done. Every complaint says what is wrong, where, and what to do.

internal import Console
internal import Coro

/// What to serve, and where.
struct Options: Sendable, Equatable {
    /// Nil for the demo endpoints.
    var directory: String?
    var host = "127.0.0.1"
    var port: UInt16 = 8000
    var loops = 1
    var isQuiet = false
    var tls = TLS.none
    /// Have the kernel encipher, where it can.
    var usesKernelTLS = false

    /// How connections are secured.
    enum TLS: Sendable, Equatable {
        case none
        /// With a certificate made for this run.
        case development
        /// With one from files; without a key file it is in the first one.
        case files(certificate: String, key: String?)
    }
}

enum CommandLineArguments {
    enum Outcome: Equatable {
        case serve(Options)
        case help
        case version
        case wrong(String)
    }

    static func parse(_ arguments: [String]) -> Outcome {
        var reader = CommandWords(arguments)
        var options = Options()
        var certificate: String?
        var key: String?
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
                case .option("--tls"): options.tls = .development
                case .option("--ktls"): options.usesKernelTLS = true
                case .option("--tls-cert"): certificate = try reader.value(of: "--tls-cert")
                case .option("--tls-key"): key = try reader.value(of: "--tls-key")
                case .option("--loops"): options.loops = try loops(reader.value(of: "--loops"))
                case .option(let name): throw Complaint("There is no option \(name).")
                case .operand(let directory):
                    guard options.directory == nil else {
                        throw Complaint("One directory at most; \(directory) is the second.")
                    }
                    guard !directory.isEmpty else { throw Complaint("The directory's name is empty; name one.") }
                    options.directory = directory
                }
                if reader.hasUnusedValue { throw Complaint("\(argument.name) takes no value; leave it out.") }
            }
            if let certificate {
                options.tls = .files(certificate: certificate, key: key)
            } else if key != nil {
                throw Complaint("--tls-key is the key of a certificate; name that with --tls-cert.")
            }
            if options.usesKernelTLS, options.tls == .none {
                throw Complaint("--ktls is about https; ask for that with --tls or --tls-cert.")
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
            throw Complaint("--port \(text): a port is a number from 0 to 65535; 0 picks a free one.")
        }
        return port
    }

    private static func host(_ text: String) throws -> String {
        if text == "localhost" { return "127.0.0.1" }
        guard SocketAddress(ip: text, port: 0) != nil else {
            throw Complaint(
                "--bind \(text): give an IP address of this machine, for example 127.0.0.1, 0.0.0.0 or ::1.")
        }
        return text
    }

    private static func loops(_ text: String) throws -> Int {
        guard let loops = Int(text), (1...256).contains(loops) else {
            throw Complaint("--loops \(text): give a number of threads from 1 to 256.")
        }
        return loops
    }
}
