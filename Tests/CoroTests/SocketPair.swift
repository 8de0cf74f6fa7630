import CLoop
import Glibc

/// A connected pair of stream sockets for one test, closed at its end.
final class SocketPair: Sendable {
    let left: Int32
    let right: Int32

    init() {
        var pair: [Int32] = [-1, -1]
        precondition(cloop_socket_pair(&pair) == 0, "This machine has no socket pairs.")
        (left, right) = (pair[0], pair[1])
    }

    deinit {
        close(left)
        close(right)
    }

    func send(_ bytes: String, to side: KeyPath<SocketPair, Int32>) {
        // What is sent by one end arrives at the other.
        let sender = self[keyPath: side] == left ? right : left
        _ = cloop_socket_send(sender, bytes, bytes.utf8.count)
    }
}
