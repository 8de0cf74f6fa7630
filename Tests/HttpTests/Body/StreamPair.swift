import Coro
import Glibc

/// Two byte streams, each the other's peer, on the loop of the test.
func streamPair(on loop: EventLoop) throws -> (ByteStream, ByteStream) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    precondition(socketpair(AF_UNIX, kind, 0, &ends) == 0, "No socket pair: errno \(errno).")
    return (try ByteStream(takingOver: ends[0], on: loop), try ByteStream(takingOver: ends[1], on: loop))
}
