// Files for those who serve them: opened below a directory that no path can leave, and what they are.
//
// These calls block. For files in the page cache that is some microseconds; a cold disk or a network file system takes
// longer, and the loop with it.

internal import CLoop
internal import Glibc

/// What an open descriptor is (fstat(2)).
public struct FileStatus: Sendable {
    /// What kinds are told apart.
    public enum Kind: Sendable { case file, directory, other }

    /// Whether it is a regular file, a directory or something else: a device, a socket, a pipe.
    public let kind: Kind
    /// In bytes.
    public let size: Int
    /// When the contents last changed: seconds since 1970, and the nanoseconds of that second.
    public let modified: (seconds: Int, nanoseconds: Int)

    init(of descriptor: Int32) throws(IOError) {
        var status = stat()
        try IOError.check(fstat(descriptor, &status) == 0 ? 0 : -errno, "fstat")
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            default: .other
            }
        size = Int(status.st_size)
        modified = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}

/// A directory in which paths from strangers are looked up.
package final class Directory: Sendable {
    private let descriptor: Int32

    /// - Throws: `IOError` ENOENT, ENOTDIR, EACCES…
    package init(path: String) throws(IOError) {
        // open(2) reads up to a NUL; a longer Swift string would be cut there.
        guard !path.utf8.contains(0) else { throw IOError(call: "open", code: ENOENT) }
        let opened = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        descriptor = try IOError.check(opened >= 0 ? opened : -errno, "open \(path)")
    }

    deinit { Descriptor.close(descriptor) }

    /// Opens what `path` names below this directory; `""` is the directory itself. Blocks for the look-up.
    ///
    /// - Returns: a descriptor that the caller closes, and what it is.
    /// - Throws: `IOError` EXDEV for a path that leads out, by `..`, by a slash in front or by a symbolic link, ENOENT for
    ///   one with a NUL, and what openat2(2) has.
    package func open(beneath path: String) throws(IOError) -> (descriptor: Int32, status: FileStatus) {
        guard !path.utf8.contains(0) else { throw IOError(call: "openat2", code: ENOENT) }
        let opened = try IOError.check(
            cloop_file_open_beneath(descriptor, path.isEmpty ? "." : path), "openat2")
        do throws(IOError) {
            return (opened, try FileStatus(of: opened))
        } catch {
            Descriptor.close(opened)
            throw error
        }
    }
}

/// The entries of a directory that is open as `descriptor`, in no order, without `.` and `..`; at most `limit`. Blocks.
package func directoryEntries(_ descriptor: Int32, limit: Int) throws(IOError) -> [(name: String, isDirectory: Bool)] {
    // fdopendir(3) takes the descriptor over; the caller keeps its own.
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    try IOError.check(copy >= 0 ? copy : -errno, "fcntl")
    guard let stream = fdopendir(copy) else {
        let code = errno
        Descriptor.close(copy)
        throw IOError(call: "fdopendir", code: code)
    }
    defer { closedir(stream) }
    var entries: [(name: String, isDirectory: Bool)] = []
    while entries.count < limit, let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            // SAFETY: d_name is a NUL-terminated array of char inside the entry (readdir(3)).
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        entries.append((name, entry.pointee.d_type == UInt8(DT_DIR)))
    }
    return entries
}

extension IOError {
    /// What the failure of opening a file means to who asked for it.
    package enum FileFault: Sendable { case missing, forbidden, exhausted, other }

    /// This error as a fault of a path.
    package var fileFault: FileFault {
        switch code {
        case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP: .missing
        // EXDEV: the path leads out of the directory (openat2(2)).
        case EXDEV, EACCES, EPERM: .forbidden
        case EMFILE, ENFILE, ENOMEM: .exhausted
        default: .other
        }
    }
}
