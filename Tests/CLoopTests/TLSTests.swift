import CLoop
import Glibc
import Testing

@Suite struct TLSTests {
    @Test func `whether the kernel has TLS is yes or no`() {
        #expect([0, 1].contains(cloop_tls_is_there()))
    }

    @Test func `a socket that is not TCP's takes no keys and sends as before`() {
        let pair = SocketPair()
        // AES-128-GCM of TLS 1.3, all zeros.
        var keys: [UInt8] = [0x04, 0x03, 51, 0] + Array(repeating: 0, count: 36)
        #expect(cloop_tls_encipher(pair.left, &keys) < 0)
        #expect(cloop_socket_send(pair.left, "plain", 5) == 5)
        var room = [UInt8](repeating: 0, count: 8)
        #expect(cloop_socket_receive(pair.right, &room, 8) == 5)
        #expect(room.prefix(5).elementsEqual("plain".utf8))
    }

    @Test func `a cipher that is not known is refused`() {
        let pair = SocketPair()
        var keys: [UInt8] = [0x04, 0x03, 255, 255]
        #expect(cloop_tls_encipher(pair.left, &keys) == -EINVAL)
    }

    @Test func `room is what a sender may hope for`() {
        let pair = SocketPair()
        #expect(cloop_socket_has_room(pair.left) == 1)
        let block = [UInt8](repeating: 0, count: 4 << 20)
        while cloop_socket_send(pair.left, block, block.count) > 0 {}
        #expect(cloop_socket_has_room(pair.left) == 0)
        // A peer that is gone is something to be told.
        pair.closeRight()
        #expect(cloop_socket_has_room(pair.left) == 1)
    }
}
