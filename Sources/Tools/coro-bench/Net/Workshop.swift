// A folder for what servers need while they are compared: configurations, a certificate, a file to serve. It goes when
// the comparison ends, also by Ctrl-C; with SIGKILL alone it stays.

internal import Coro
internal import Glibc

/// A temporary folder.
final class Workshop: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `names` is touched on the loop's thread only.

    let path: String
    private var names: [String] = []

    init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/coro-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw IOError(call: "mkdtemp in \(parent)", code: errno) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Makes a file of that text.
    func write(_ text: String, to name: String) throws {
        let bytes = Array(text.utf8)
        try make(name) { descriptor in Glibc.write(descriptor, bytes, bytes.count) == bytes.count }
    }

    /// Makes a file of so many zeros, which take no room on the disk, and reads it: it is in the page cache then, and the server
    /// that happens to be the first does not pay for that.
    func makeZeros(_ count: Int, at name: String) throws {
        try make(name) { descriptor in ftruncate(descriptor, off_t(count)) == 0 }
        let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while case let got = read(descriptor, &piece, piece.count), got > 0 {}
    }

    /// Says that a program makes a file or an empty folder of that name, which then goes with the rest.
    func expect(_ name: String) { names.append(name) }

    private func make(_ name: String, _ fill: (Int32) -> Bool) throws {
        expect(name)
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw IOError(call: "open \(path)/\(name)", code: errno) }
        defer { close(descriptor) }
        guard fill(descriptor) else { throw IOError(call: "write \(path)/\(name)", code: errno) }
    }

    /// Deletes all of it.
    func remove() {
        for name in names { Glibc.remove("\(path)/\(name)") }
        rmdir(path)
    }
}

extension Meter {
    /// Runs `body` with a folder of its own. SIGINT and SIGTERM end the process, and leave no folder; the servers die with
    /// the process (`Confinement`).
    func withWorkshop(_ body: (Workshop) async throws -> Void) async throws {
        let workshop = try Workshop()
        defer { workshop.remove() }
        let signals = try loop.signals([SIGINT, SIGTERM])
        let watch = loop.spawn {
            guard let signal = try await signals.next() else { return }
            workshop.remove()
            Progress.clear()
            _exit(128 + signal)
        }
        defer { watch.cancel() }
        try await body(workshop)
    }
}
