// Bytes that must wait, on disk: a file without a name, which is gone when the process is.

import Glibc

final class SpillFile {
    private static let pieceBytes = 64 * 1024

    private let descriptor: Int32
    private var written = 0
    private var taken = 0

    /// - Throws: `Failure` with exit code 23.
    init() throws {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(directory)/coro-fetch-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw Failure.system(.couldNotWrite, "Cannot make a temporary file in \(directory)")
        }
        unlink(template)
    }

    deinit { close(descriptor) }

    func append(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                let rest = UnsafeRawBufferPointer(rebasing: $0[offset...])
                return pwrite(descriptor, rest.baseAddress, rest.count, off_t(written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Failure.system(.couldNotWrite, "Cannot write a temporary file") }
            offset += count
            written += count
        }
    }

    /// The next piece in order of writing; nil when all were taken.
    func next() throws -> [UInt8]? {
        guard taken < written else { return nil }
        var bytes = [UInt8](repeating: 0, count: min(SpillFile.pieceBytes, written - taken))
        let count = pread(descriptor, &bytes, bytes.count, off_t(taken))
        guard count > 0 else { throw Failure.system(.couldNotWrite, "Cannot read back a temporary file") }
        taken += count
        return Array(bytes.prefix(count))
    }
}
