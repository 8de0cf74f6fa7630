// A port for a server that cannot choose one itself and say which: nginx, and openssl s_server.
//
// A port that was free a moment ago may be another process's by now. This one is bound, so that nobody else is given it, and
// does not listen, so that it takes no connection. Between sockets with SO_REUSEADDR that is no obstacle to the server, which
// sets it too: they may be bound to one port as long as none of them listens yet (socket(7)).

internal import Coro
internal import Glibc

/// A port of 127.0.0.1 that is kept while this lives, for a server to listen on.
final class ReservedPort: Sendable {
    let number: UInt16
    private let descriptor: Int32

    init() throws(IOError) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(call: "socket", code: errno) }
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = RawConnection.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        number = UInt16(bigEndian: address.sin_port)
        guard isBound else { throw IOError(call: "bind", code: errno) }
    }

    deinit { close(descriptor) }
}
