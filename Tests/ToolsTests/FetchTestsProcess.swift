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
    private let scratch: TemporaryFolder
    private let id: pid_t

    init(_ path: String, _ arguments: [String], input: String = "") throws {
        scratch = try TemporaryFolder()
        try Data(input.utf8).write(to: scratch.file("in"))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, scratch.file("in").path, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, scratch.file("out").path, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, scratch.file("err").path, O_WRONLY | O_CREAT, 0o600)
        // Swift's worker threads block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var nothing = sigset_t()
        sigemptyset(&nothing)
        posix_spawnattr_setsigmask(&attributes, &nothing)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id = pid_t()
        let failure = posix_spawn(&id, path, &actions, &attributes, &words, environ)
        guard failure == 0 else { throw POSIXError(POSIXErrorCode(rawValue: failure) ?? .EINVAL) }
        self.id = id
    }

    func signal(_ number: Int32) { kill(id, number) }

    /// Waits for its end. The status is the exit code, or 128 and the signal it died of, as a shell has it.
    func wait() throws -> ProgramResult {
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return ProgramResult(
            status: code, hasExited: status & 0x7F == 0, output: try Data(contentsOf: scratch.file("out")),
            errors: String(decoding: try Data(contentsOf: scratch.file("err")), as: UTF8.self))
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
