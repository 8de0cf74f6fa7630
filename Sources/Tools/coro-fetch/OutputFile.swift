// Bytes to a descriptor, without ever holding the loop up for a slow reader.

import Coro
import Glibc

/// A file to write, or standard output.
final class OutputFile: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything happens on the loop's thread.

    private let loop: EventLoop
    private var descriptor: Int32
    private let name: String
    /// The most that one write may take. poll(2) calls a pipe writable when PIPE_BUF bytes fit, so a write of that many
    /// does not block, and the pipe need not be made non-blocking: that would change it for everybody who has it open.
    private let pieceBytes: Int

    /// Creates or empties a file.
    ///
    /// - Throws: `Failure` with exit code 23.
    init(creating path: String, on loop: EventLoop) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Failure.system(.couldNotWrite, "Cannot write \(path)") }
        self.descriptor = descriptor
        self.loop = loop
        name = path
        pieceBytes = OutputFile.pieceBytes(descriptor)
    }

    /// Standard output, which stays open.
    init(standardOutputOn loop: EventLoop) {
        descriptor = STDOUT_FILENO
        self.loop = loop
        name = "standard output"
        pieceBytes = OutputFile.pieceBytes(STDOUT_FILENO)
    }

    deinit { if descriptor > STDERR_FILENO { Glibc.close(descriptor) } }

    /// Writes all of `bytes`; suspends while a pipe or terminal is full.
    ///
    /// - Throws: `Failure` with exit code 23, a quiet one when the reader has gone.
    func write(_ bytes: [UInt8]) async throws {
        var offset = 0
        while offset < bytes.count {
            if pieceBytes < Int.max, !isWritable { try await waitUntilWritable() }
            let count = bytes.withUnsafeBytes { all in
                let piece = UnsafeRawBufferPointer(rebasing: all[offset...].prefix(pieceBytes))
                return Glibc.write(descriptor, piece.baseAddress, piece.count)
            }
            if count >= 0 {
                offset += count
            } else if errno == EAGAIN {
                try await waitUntilWritable()
            } else if errno != EINTR {
                throw failure()
            }
        }
    }

    /// Closes the file: some file systems tell only now that it could not be written (close(2)).
    func close() throws {
        guard descriptor > STDERR_FILENO else { return }
        defer { descriptor = -1 }
        if Glibc.close(descriptor) != 0, errno != EINTR { throw failure() }
    }

    private func failure() -> Failure {
        let number = errno
        var failure = Failure.system(.couldNotWrite, "Cannot write \(name)", errno: number)
        failure.isQuiet = number == EPIPE
        return failure
    }

    private var isWritable: Bool {
        var query = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // An error counts as writable: the write will say what it is.
        return poll(&query, 1, 0) != 0
    }

    private func waitUntilWritable() async throws {
        let promise = loop.promise(of: Void.self)
        try loop.addHandler(descriptor, interest: .writable) { _ in promise.trySucceed(()) }
        defer { loop.removeHandler(descriptor) }
        try await promise.future.value
    }

    private static func pieceBytes(_ descriptor: Int32) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return Int(PIPE_BUF) }
        return status.st_mode & S_IFMT == S_IFREG ? .max : Int(PIPE_BUF)
    }
}
