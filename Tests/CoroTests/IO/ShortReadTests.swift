import CoroTesting
import Glibc
import Testing

@testable import Coro

/// Where the kernel stops a read short though more has come, and no edge will say so.
@Suite struct ShortReadTests {
    @Test func `out-of-band data does not hide what was sent behind it`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            try await pair.server.write("before")
            #expect(send(pair.server.channel.descriptor, "!", 1, Int32(MSG_OOB) | Int32(MSG_NOSIGNAL)) == 1)
            try await pair.server.write(", behind")
            // All of it is announced before any of it is read: no other edge will come.
            for _ in 0..<8 { try await loop.moment() }
            #expect(try await pair.client.read(exactly: 14) == Array("before, behind".utf8))
        }
    }

    @Test func `descriptors that nobody takes do not hide what was sent behind them`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let sender = pair.left.channel.descriptor
            for text in ["one", "two"] {
                #expect(sendWithDescriptor(sender, text) == 3)
                #expect(send(sender, "behind", 6, Int32(MSG_NOSIGNAL)) == 6)
            }
            for _ in 0..<8 { try await loop.moment() }
            #expect(try await pair.right.read(exactly: 18) == Array("onebehindtwobehind".utf8))
        }
    }

    /// Sends `text` on a unix socket and, beside it, the socket's own descriptor (unix(7), SCM_RIGHTS).
    private func sendWithDescriptor(_ socket: Int32, _ text: String) -> Int {
        // struct cmsghdr: the length of head and one int, a level and a type; then the int.
        var control: (Int, Int32, Int32, Int32, Int32) = (20, SOL_SOCKET, 1, socket, 0)
        var bytes = Array(text.utf8)
        return bytes.withUnsafeMutableBytes { bytes in
            withUnsafeMutableBytes(of: &control) { control in
                var piece = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &piece) { piece in
                    var message = msghdr()
                    message.msg_iov = piece
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = 24
                    return sendmsg(socket, &message, Int32(MSG_NOSIGNAL))
                }
            }
        }
    }
}
