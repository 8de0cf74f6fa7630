// A TCP socket as the C library has it: what the first four code paths are built on.

import Glibc

struct PlainSocket {
    let descriptor: Int32

    /// Opens a socket and connects it to a port of this machine; a non-blocking one is still connecting at the return.
    init(port: UInt16, isBlocking: Bool) throws {
        let mode = isBlocking ? 0 : SOCK_NONBLOCK.rawValue
        descriptor = try check(socket(AF_INET, Int32(SOCK_STREAM.rawValue | mode), 0), "socket")
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: address) {
            // SAFETY: connect(2) reads the sockaddr_in that the family and the length announce.
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // "In progress" is what a non-blocking socket says: it is connected once it is writable.
        if result < 0, errno != EINPROGRESS { try check(result, "connect") }
    }

    func sendRequest() throws {
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try check(Int32(send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL))), "send")
    }

    /// Receives the answer, which is short enough to come in one piece.
    func receiveAnswer() throws {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = try check(Int32(recv(descriptor, &room, room.count, 0)), "recv")
        let answer = String(decoding: room.prefix(Int(count)), as: UTF8.self)
        guard answer.hasPrefix("HTTP/1.1 200 "), answer.hasSuffix("Hello, world\n") else { throw Unexpected(answer) }
    }

    func close() { _ = Glibc.close(descriptor) }
}

/// Something other than what the story needs came.
struct Unexpected: Error {
    let what: String
    init(_ what: String) { self.what = what }
}

@discardableResult
private func check(_ result: Int32, _ call: String) throws -> Int32 {
    guard result >= 0 else { throw Unexpected("\(call): errno \(errno)") }
    return result
}
