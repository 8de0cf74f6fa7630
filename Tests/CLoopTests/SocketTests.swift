import CLoop
import Glibc
import Testing

@Suite struct SocketTests {
    @Test func `a pair is connected, non-blocking and closed on exec`() {
        let pair = SocketPair()
        #expect(isNonBlockingAndCloseOnExec(pair.left))
        #expect(isNonBlockingAndCloseOnExec(pair.right))
        #expect(cloop_socket_send(pair.left, "ping", 4) == 4)
        var room = [UInt8](repeating: 0, count: 8)
        #expect(cloop_socket_receive(pair.right, &room, 8) == 4)
        #expect(room.prefix(4).elementsEqual("ping".utf8))
    }

    @Test func `receiving with nothing there answers EAGAIN, and zero at the end of the stream`() {
        let pair = SocketPair()
        var byte: UInt8 = 0
        #expect(cloop_socket_receive(pair.left, &byte, 1) == Int64(-EAGAIN))
        pair.closeRight()
        #expect(cloop_socket_receive(pair.left, &byte, 1) == 0)
    }

    @Test func `sending to a peer that is gone answers EPIPE and raises no SIGPIPE`() {
        // SIGPIPE's default would end this process, so being here afterwards is the proof.
        let pair = SocketPair()
        pair.closeRight()
        #expect(cloop_socket_send(pair.left, "x", 1) == Int64(-EPIPE))
    }

    @Test func `many pieces arrive in order from one call, empty ones too, up to a number`() {
        let pair = SocketPair()
        let text = Array("many pieces".utf8)
        let sent = text.withUnsafeBytes { bytes in
            let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
            let pieces = bytes.indices.flatMap {
                [iovec(iov_base: base + $0, iov_len: 1), iovec(iov_base: nil, iov_len: 0)]
            }
            return cloop_socket_send_pieces(pair.left, pieces, Int32(pieces.count))
        }
        #expect(sent == Int64(text.count))
        var room = [UInt8](repeating: 0, count: 32)
        #expect(cloop_socket_receive(pair.right, &room, 32) == Int64(text.count))
        #expect(room.prefix(text.count).elementsEqual(text))
        let tooMany = [iovec](repeating: iovec(), count: 1025)
        #expect(cloop_socket_send_pieces(pair.left, tooMany, 1025) == Int64(-EMSGSIZE))
        pair.closeRight()
        #expect(cloop_socket_send_pieces(pair.left, [iovec()], 1) == Int64(-EPIPE))
    }

    @Test func `sending more than the socket takes sends a part, then answers EAGAIN`() {
        let pair = SocketPair()
        let block = [UInt8](repeating: 7, count: 4 << 20)
        let sent = cloop_socket_send(pair.left, block, block.count)
        #expect(sent > 0)
        #expect(sent < Int64(block.count))
        #expect(cloop_socket_send(pair.left, block, block.count) == Int64(-EAGAIN))
    }

    @Test func `accepting gives a non-blocking descriptor and the peer's address, or EAGAIN`() {
        let listener = Listener()
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        #expect(listener.accept(&address, &length) == -EAGAIN)

        let client = cloop_socket_open(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        #expect(isNonBlockingAndCloseOnExec(client))
        let started = listener.connect(client)
        #expect(started == 0 || started == -EINPROGRESS)
        wait(listener.descriptor, POLLIN)

        length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let accepted = listener.accept(&address, &length)
        defer { close(accepted) }
        #expect(accepted >= 0)
        #expect(isNonBlockingAndCloseOnExec(accepted))
        #expect(length == socklen_t(MemoryLayout<sockaddr_in>.size))
        #expect(address.sin_addr.s_addr == UInt32(0x7F00_0001).bigEndian)

        wait(client, POLLOUT)
        #expect(cloop_socket_error(client) == 0)
    }

    @Test func `a refused connection is reported by the socket's error, once`() {
        let listener = Listener()
        // Bound and not listening any more: nobody is at this port.
        shutdown(listener.descriptor, Int32(SHUT_RD))
        let client = cloop_socket_open(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        let started = listener.connect(client)
        if started == -EINPROGRESS {
            wait(client, POLLOUT)
            #expect(cloop_socket_error(client) == -ECONNREFUSED)
        } else {
            #expect(started == -ECONNREFUSED)
        }
        #expect(cloop_socket_error(client) == 0)
    }

    @Test func `options are set, and a wrong descriptor is refused`() {
        let socket = cloop_socket_open(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        #expect(cloop_socket_set(socket, SOL_SOCKET, SO_REUSEADDR, 1) == 0)
        var value: Int32 = 0
        var length = socklen_t(4)
        #expect(getsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &value, &length) == 0)
        #expect(value != 0)
        #expect(cloop_socket_set(-1, SOL_SOCKET, SO_REUSEADDR, 1) == -EBADF)
    }

    @Test func `options are read`() {
        let listener = Listener()
        #expect(cloop_socket_get(listener.descriptor, SOL_SOCKET, SO_ACCEPTCONN) == 1)
        let pair = SocketPair()
        #expect(cloop_socket_get(pair.left, SOL_SOCKET, SO_ACCEPTCONN) == 0)
        #expect(cloop_socket_get(-1, SOL_SOCKET, SO_ACCEPTCONN) == -EBADF)
    }

    @Test func `an adopted socket is non-blocking and close-on-exec`() {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        #expect(!isNonBlockingAndCloseOnExec(socket))
        #expect(cloop_socket_adopt(socket) == 0)
        #expect(isNonBlockingAndCloseOnExec(socket))
        #expect(cloop_socket_adopt(-1) == -EBADF)
    }

    private func wait(_ descriptor: Int32, _ events: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        poll(&entry, 1, 5_000)
    }
}

/// A listening socket on the loopback, at a port of the kernel's choice.
private final class Listener {
    let descriptor = cloop_socket_open(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    private var address = sockaddr_in()
    private var length = socklen_t(MemoryLayout<sockaddr_in>.size)

    init() {
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        _ = asGeneric(&address) { bind(descriptor, $0, length) }
        listen(descriptor, 4)
        _ = asGeneric(&address) { getsockname(descriptor, $0, &length) }
    }

    deinit { close(descriptor) }

    func connect(_ client: Int32) -> Int32 {
        asGeneric(&address) { cloop_socket_connect(client, $0, length) }
    }

    func accept(_ address: inout sockaddr_in, _ length: inout socklen_t) -> Int32 {
        asGeneric(&address) { cloop_socket_accept(descriptor, $0, &length) }
    }

    private func asGeneric<Result>(
        _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result
    ) -> Result {
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }
}
