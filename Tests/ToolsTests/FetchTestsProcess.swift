// Runs a program and keeps what it said. For coro-fetch, the one that was built beside these tests.

import Foundation

/// What a program left behind.
struct ProgramResult {
    let status: Int32
    /// False when it died of a signal.
    let hasExited: Bool
    let output: Data
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
}

enum Program {
    /// Where the built products are: the tests themselves are one of them, with any `--scratch-path`.
    static let products = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    static let coroFetch = products.appendingPathComponent("coro-fetch").path

    /// The path of a program that is installed; nil when it is not.
    static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let directories = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/bin"]
        return directories.map { "\($0)/\(name)" }.first(where: FileManager.default.isExecutableFile)
    }

    /// Runs a program to its end.
    static func run(_ path: String, _ arguments: [String], input: String = "") throws -> ProgramResult {
        let process = try RunningProgram(path, arguments, input: input)
        return try process.wait()
    }

    /// Runs coro-fetch.
    static func fetch(_ arguments: String..., input: String = "") throws -> ProgramResult {
        try run(coroFetch, arguments, input: input)
    }

    /// Runs coro-fetch in a folder.
    static func fetch(in folder: TemporaryFolder, _ arguments: String...) throws -> ProgramResult {
        try run("/bin/sh", ["-c", "cd \"$0\" && exec \"$@\"", folder.url.path, coroFetch] + arguments)
    }
}

/// A program that has been started. Its outputs go to files, so that no full pipe can hold it up.
///
/// posix_spawn(3) and waitpid(2) themselves: Foundation's `Process` can miss the end of a process on Linux.
struct RunningProgram {
    /// How long one may take, in seconds. What hangs fails its test, and holds up nobody else.
    private static let patience = 60

    private let words: [String]
    private let scratch: TemporaryFolder
    private let id: pid_t

    /// - Parameters:
    ///   - environment: what is added to this process's environment, as `NAME=value`.
    ///   - inherited: a descriptor that the program gets as its third.
    init(
        _ path: String, _ arguments: [String], input: String = "", environment: [String] = [], inherited: Int32? = nil
    ) throws {
        words = [path] + arguments
        scratch = try TemporaryFolder()
        try Data(input.utf8).write(to: scratch.file("in"))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, scratch.file("in").path, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, scratch.file("out").path, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, scratch.file("err").path, O_WRONLY | O_CREAT, 0o600)
        if let inherited { posix_spawn_file_actions_adddup2(&actions, inherited, 3) }
        // Swift's worker threads block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var nothing = sigset_t()
        sigemptyset(&nothing)
        posix_spawnattr_setsigmask(&attributes, &nothing)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words = self.words.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let own = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        var variables = (own + environment).map { strdup($0) } + [nil]
        defer { for variable in variables { free(variable) } }
        var id = pid_t()
        let failure = posix_spawn(&id, path, &actions, &attributes, &words, &variables)
        guard failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EINVAL) }
        self.id = id
    }

    func signal(_ number: Int32) { kill(id, number) }

    /// What it has said so far on its standard output.
    var output: String { (try? String(contentsOf: scratch.file("out"), encoding: .utf8)) ?? "" }

    /// Waits until it has said something that `find` finds.
    func wait<Found>(untilSaid find: (String) -> Found?) throws -> Found {
        for _ in 0..<(Self.patience * 100) {
            if let found = find(output) { return found }
            usleep(10_000)
        }
        throw ProgramHung(words: words, seconds: Self.patience)
    }

    /// Waits for its end. The status is the exit code, or 128 and the signal it died of, as a shell has it.
    ///
    /// - Throws: `ProgramHung` for one that does not end: it is ended, with time to tidy up.
    func wait() throws -> ProgramResult {
        var status: Int32 = 0
        func hasEnded(within seconds: Int) -> Bool {
            for _ in 0..<(seconds * 1000) {
                if waitpid(id, &status, WNOHANG) == id { return true }
                usleep(1_000)
            }
            return false
        }
        guard hasEnded(within: Self.patience) else {
            signal(SIGTERM)
            if !hasEnded(within: 5) {
                signal(SIGKILL)
                waitpid(id, &status, 0)
            }
            throw ProgramHung(words: words, seconds: Self.patience)
        }
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return ProgramResult(
            status: code, hasExited: status & 0x7F == 0, output: try Data(contentsOf: scratch.file("out")),
            errors: String(decoding: try Data(contentsOf: scratch.file("err")), as: UTF8.self))
    }
}

/// A program did not do what the test waited for.
struct ProgramHung: Error, CustomStringConvertible {
    let words: [String]
    let seconds: Int

    var description: String { "Given up after \(seconds) s: \(words.joined(separator: " "))" }
}

/// A socket that listens on a port of the kernel's choice, for a program to inherit: a port that was merely free a moment
/// ago belongs to another test by now.
struct ListeningSocket {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failure = withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            // SAFETY: a sockaddr_in is a sockaddr by its first field (ip(7)); `size` is its size.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) | listen(descriptor, 64) | getsockname(descriptor, $0, &size)
            }
        }
        guard descriptor >= 0, failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EINVAL) }
        port = UInt16(bigEndian: address.sin_port)
    }
}

/// A folder of its own, gone with the last reference.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("coro-tools-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func file(_ name: String) -> URL { url.appendingPathComponent(name) }
}
