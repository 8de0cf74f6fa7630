import CLoop
import Glibc

/// A connected pair of stream sockets for one test, closed at its end.
final class SocketPair {
    let left: Int32
    private(set) var right: Int32

    init() {
        var pair: [Int32] = [-1, -1]
        precondition(cloop_socket_pair(&pair) == 0, "This machine has no socket pairs.")
        (left, right) = (pair[0], pair[1])
    }

    deinit {
        close(left)
        closeRight()
    }

    func closeRight() {
        if right >= 0 { close(right) }
        right = -1
    }
}

/// What the flags of a descriptor say: non-blocking and close-on-exec, as every descriptor of CLoop is.
func isNonBlockingAndCloseOnExec(_ descriptor: Int32) -> Bool {
    fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0 && fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0
}
