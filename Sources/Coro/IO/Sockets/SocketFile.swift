// The file that a listening unix socket is found by. The kernel makes it at bind(2) and never removes it, so a server that
// died leaves it behind and the next one cannot bind. Whose a file is cannot be asked; whether somebody listens can.

internal import CLoop
internal import Glibc

/// One socket file, known by its inode: what stands at the path later may be somebody else's.
struct SocketFile: Sendable, Equatable {
    let path: String
    private let device: dev_t
    private let inode: ino_t

    /// The socket at `path`; nil when there is none, or something that is no socket.
    init?(at path: String) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return nil }
        self.path = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// Deletes the file, if it is still this one.
    func remove() {
        guard SocketFile(at: path) == self else { return }
        _ = unlink(path)
    }

    /// Deletes the file when nobody listens there any more; false when somebody does, or may.
    ///
    /// Two servers that start in the same instant may both see that nobody listens. The second then deletes what the
    /// first has just bound only if that falls between its look and its unlink(2): the inode is compared last.
    func removeIfStale() -> Bool {
        guard let address = SocketAddress(path: path), let probe = try? Socket.open(AF_UNIX) else { return false }
        defer { Descriptor.close(probe) }
        // EAGAIN would be a listener whose queue is full, EACCES one that is not for us.
        guard address.withSockaddr({ cloop_socket_connect(probe, $0, $1) }) == -ECONNREFUSED else { return false }
        remove()
        return true
    }
}
