// Files as something to await. A file is always "ready" for epoll and yet a read of a cold disk blocks, so each call goes to
// the pool for blocking work, and the loop goes on.

internal import Glibc

/// An open file, read and written by position, so that any number of tasks may use it at once.
///
/// - Runs on: threads of the blocking pool, for as long as the call blocks; may be used from any task of any loop. A call
///   that has begun cannot be interrupted: cancelling ends the wait for it, and a write may have happened.
/// - Dropping the last reference closes the file.
public final class File: Sendable {
    /// What a file is opened for.
    public enum Mode: Sendable {
        /// To read one that is there.
        case reading
        /// To write, from nothing: one that is there is emptied, one that is not is made.
        case writing
        /// To read and write what is there; one that is not is made, empty.
        case updating

        fileprivate var flags: Int32 {
            switch self {
            case .reading: O_RDONLY
            case .writing: O_WRONLY | O_CREAT | O_TRUNC
            case .updating: O_RDWR | O_CREAT
            }
        }
    }

    /// The descriptor, shared with the calls under way: it is closed when the last of them has ended, never under one.
    fileprivate final class Opened: Sendable {
        let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { Descriptor.close(descriptor) }
    }

    private let loop: EventLoop
    fileprivate let opened: Locked<Opened?>

    fileprivate init(_ path: String, _ mode: Mode, _ permissions: UInt32, on loop: EventLoop) throws(IOError) {
        self.loop = loop
        opened = Locked(Opened(try Descriptor.open(path, mode.flags, permissions)))
    }

    /// Reads at most `count` bytes from `offset` on; fewer only where the file ends.
    ///
    /// - Throws: `IOError`, EBADF among it after `close()`; `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func read(at offset: Int, count: Int) async throws -> [UInt8] {
        precondition(offset >= 0 && count >= 0, "A file is read from an offset of at least 0, and at least 0 bytes.")
        return try await use { try Descriptor.read($0, at: offset, upTo: count) }
    }

    /// Writes all of `bytes` from `offset` on; behind the end the file grows, with zeros in between.
    ///
    /// - Throws: `IOError` ENOSPC, EDQUOT…, when some of it may have been written; else as `read`.
    public func write(_ bytes: [UInt8], at offset: Int) async throws {
        precondition(offset >= 0, "A file is written from an offset of at least 0.")
        try await use { try Descriptor.write(bytes, $0, at: offset) }
    }

    /// What the file is: its size, and when it changed.
    public func status() async throws -> FileStatus { try await use { try FileStatus(of: $0) } }

    /// How long the file is, in bytes.
    public func size() async throws -> Int { try await status().size }

    /// Cuts the file, or extends it with zeros, to `size` bytes.
    public func truncate(to size: Int) async throws {
        precondition(size >= 0, "A file has at least 0 bytes.")
        try await use { try IOError.check(ftruncate($0, size) == 0 ? 0 : -errno, "ftruncate") }
    }

    /// Suspends until what was written is on the disk (fsync(2)).
    public func sync() async throws { try await use { try IOError.check(fsync($0) == 0 ? 0 : -errno, "fsync") } }

    /// Closes the file, when the calls under way have ended. A second call does nothing; any thread.
    public func close() {
        // Let go of outside the lock: close(2) may take its time.
        let last = opened.withLock { $0.take() }
        withExtendedLifetime(last) {}
    }

    @discardableResult
    private func use<Result: Sendable>(_ body: @escaping @Sendable (Int32) throws -> Result) async throws -> Result {
        guard let opened = opened.withLock({ $0 }) else { throw IOError(call: "read", code: EBADF) }
        return try await loop.runBlocking {
            try withExtendedLifetime(opened) { try body(opened.descriptor) }
        }
    }
}

extension ByteStream {
    /// Sends `count` bytes of a file from `offset` on, after what is queued, without copying them to user space.
    ///
    /// The kernel reads them on the loop's thread: a cold disk holds that up.
    ///
    /// - Throws: `IOError` EBADF when the file is closed; else as `write(file:offset:count:)`.
    public func write(_ file: File, from offset: Int = 0, count: Int) async throws {
        guard let opened = file.opened.withLock({ $0 }) else { throw IOError(call: "sendfile", code: EBADF) }
        defer { withExtendedLifetime(opened) {} }
        try await write(file: opened.descriptor, offset: Int64(offset), count: count)
    }
}

extension EventLoop {
    /// Opens a file, on a thread of the blocking pool.
    ///
    /// - Parameter permissions: of a file that is made, before the process's umask takes its part.
    /// - Throws: `IOError` with the path: ENOENT, EACCES, EISDIR…; `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func openFile(_ path: String, for mode: File.Mode, permissions: UInt32 = 0o666) async throws -> File {
        try await runBlocking { try File(path, mode, permissions, on: self) }
    }

    /// Reads a whole file, on a thread of the blocking pool.
    ///
    /// - Throws: `StreamError.limitExceeded` for a file of more than `limit` bytes; else as `openFile`.
    public func readFile(_ path: String, limit: Int = 16 * 1024 * 1024) async throws -> [UInt8] {
        precondition(limit >= 0, "The limit of a file to read is at least 0 bytes.")
        return try await runBlocking {
            let descriptor = try Descriptor.open(path, O_RDONLY, 0)
            defer { Descriptor.close(descriptor) }
            let status = try FileStatus(of: descriptor)
            if status.size > limit { throw StreamError.limitExceeded(limit: limit) }
            // Files of /proc say 0, and others may grow meanwhile: read to the end, and one byte further than allowed.
            var bytes = try Descriptor.read(descriptor, at: nil, upTo: min(status.size, limit) + 1)
            if bytes.count > status.size, limit > status.size {
                bytes += try Descriptor.read(descriptor, at: nil, upTo: limit - bytes.count + 1)
            }
            if bytes.count > limit { throw StreamError.limitExceeded(limit: limit) }
            return bytes
        }
    }

    /// Replaces a file by one with these bytes, or makes it, on a thread of the blocking pool.
    ///
    /// All or nothing: whoever opens the path finds the old contents or the new, also after a crash. They are written beside
    /// it, synced, and renamed. A file that is there keeps its permissions; a symbolic link is replaced, not followed.
    ///
    /// - Throws: as `openFile`; `IOError` ENOSPC… When it throws an `IOError`, the file is as it was.
    public func writeFile(_ path: String, _ bytes: [UInt8], permissions: UInt32 = 0o666) async throws {
        try await runBlocking {
            var random = SystemRandomNumberGenerator()
            // In its directory, or it could not be renamed; by a name that does not grow with the file's.
            let directory = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path[...$0] } ?? ""
            let beside = "\(directory).\(String(random.next(), radix: 36)).new"
            let descriptor = try Descriptor.open(beside, O_WRONLY | O_CREAT | O_EXCL, permissions)
            do {
                defer { Descriptor.close(descriptor) }
                var old = stat()
                if lstat(path, &old) == 0, old.st_mode & S_IFMT == S_IFREG {
                    try IOError.check(fchmod(descriptor, old.st_mode & 0o7777) == 0 ? 0 : -errno, "fchmod \(path)")
                }
                try Descriptor.write(bytes, descriptor, at: 0)
                try IOError.check(fsync(descriptor) == 0 ? 0 : -errno, "fsync \(path)")
                try IOError.check(rename(beside, path) == 0 ? 0 : -errno, "rename \(path)")
            } catch {
                unlink(beside)
                throw error
            }
        }
    }

    /// What a path leads to, asked on a thread of the blocking pool.
    public func fileStatus(_ path: String) async throws -> FileStatus {
        try await runBlocking {
            // O_PATH asks no right to read, and opens nothing that could block (open(2)).
            let descriptor = try Descriptor.open(path, 0o10000000, 0)
            defer { Descriptor.close(descriptor) }
            return try FileStatus(of: descriptor)
        }
    }
}

// The calls themselves, which block.
extension Descriptor {
    fileprivate static func open(_ path: String, _ flags: Int32, _ permissions: UInt32) throws(IOError) -> Int32 {
        // open(2) reads up to a NUL; a longer Swift string would be cut there.
        guard !path.utf8.contains(0) else { throw IOError(call: "open", code: ENOENT) }
        var opened: Int32
        repeat {
            opened = Glibc.open(path, flags | O_CLOEXEC | O_NOCTTY, permissions)
        } while opened < 0 && errno == EINTR
        return try IOError.check(opened >= 0 ? opened : -errno, "open \(path)")
    }

    /// Reads until there is no more, or `count` bytes have come: from an offset, or from where the last read ended.
    ///
    /// There is room for what comes, not for `count`: who wants all of a file need not know how much that is.
    static func read(_ descriptor: Int32, at offset: Int?, upTo count: Int) throws(IOError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let room = min(count - bytes.count, max(leastRoom, bytes.count))
            let piece = try readPiece(descriptor, at: offset.map { $0 + bytes.count }, upTo: room)
            if bytes.isEmpty { bytes = piece } else { bytes += piece }
            guard piece.count == room else { break }
        }
        return bytes
    }

    /// As much as is read into one piece of memory, and hardly ever copied. What is not touched of it costs nothing.
    private static let leastRoom = 16 * 1024 * 1024

    private static func readPiece(_ descriptor: Int32, at offset: Int?, upTo count: Int) throws(IOError) -> [UInt8] {
        var failure: IOError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            while filled < count {
                let rest = room.baseAddress.map { $0 + filled }
                let got =
                    offset.map { pread(descriptor, rest, count - filled, $0 + filled) }
                    ?? Glibc.read(descriptor, rest, count - filled)
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = IOError(call: "read", code: errno) }
                guard got > 0 else { return }
                filled += got
            }
        }
        if let failure { throw failure }
        return bytes
    }

    fileprivate static func write(_ bytes: [UInt8], _ descriptor: Int32, at offset: Int) throws(IOError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                pwrite(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, offset + written)
            }
            if count < 0, errno == EINTR { continue }
            written += Int(try IOError.check(count < 0 ? -errno : Int32(clamping: count), "write"))
        }
    }
}
