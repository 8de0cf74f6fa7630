// A client that sends literal bytes and reads answers by rules of its own, so that server and test cannot share a mistake.

import Coro
import Glibc
import Testing

/// One connection to a server under test.
final class RawClient {
    let stream: ByteStream
    let descriptor: Int32

    /// Connects; the kernel completes the handshake without the server's help.
    init(to address: SocketAddress, on loop: EventLoop, receiveBuffer: Int32? = nil) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = address.port.bigEndian
        target.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            let error = NotConnected(code: errno)
            Glibc.close(descriptor)
            throw error
        }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        self.descriptor = descriptor
        stream = try ByteStream(takingOver: descriptor, on: loop)
    }

    func send(_ text: String) async throws { try await stream.write(text) }

    /// FIN: nothing more will be sent.
    func finish() { stream.finishWriting() }

    func close() { stream.close() }

    /// RST: as a process that dies with data unread.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        stream.close()
    }

    /// True when the server has closed and nothing more came.
    func isAtEnd() async throws -> Bool { try await stream.read() == nil }

    /// What comes until the server closes or resets.
    func everything() async throws -> String {
        var bytes: [UInt8] = []
        do {
            while let more = try await stream.read() { bytes += more }
        } catch is StreamError {
            bytes += Array("[reset]".utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The next answer. The one to HEAD has no body, whatever its length says.
    func answer(toHead: Bool = false) async throws -> RawAnswer {
        var answer = try await head()
        if toHead || answer.status < 200 || answer.status == 204 || answer.status == 304 { return answer }
        if answer["transfer-encoding"] == "chunked" {
            while true {
                let size = try #require(Int(try await line(), radix: 16))
                answer.body += try await stream.read(exactly: size)
                guard size > 0 else { break }
                let end = try await line()
                try #require(end.isEmpty, "A chunk is followed by CRLF.")
            }
            while true {
                let trailer = try await line()
                if trailer.isEmpty { return answer }
                answer.trailers.append(trailer)
            }
        } else if let length = answer["content-length"] {
            answer.body = try await stream.read(exactly: try #require(Int(length)))
        } else {
            while let more = try await stream.read() { answer.body += more }
        }
        return answer
    }

    private func head() async throws -> RawAnswer {
        let statusLine = try await line()
        let words = statusLine.split(separator: " ", maxSplits: 2)
        try #require(words.count >= 2 && words[0] == "HTTP/1.1", "No status line: \(statusLine)")
        var answer = RawAnswer(status: try #require(Int(words[1])))
        while true {
            let field = try await line()
            if field.isEmpty { return answer }
            let colon = try #require(field.firstIndex(of: ":"))
            answer.fields.append(
                (field[..<colon].lowercased(), String(field[field.index(after: colon)...].drop { $0 == " " })))
        }
    }

    private func line() async throws -> String {
        let bytes = try await stream.read(until: UInt8(ascii: "\n"))
        try #require(bytes.suffix(2) == [13, 10], "A line ends in CRLF.")
        return String(decoding: bytes.dropLast(2), as: UTF8.self)
    }
}

/// Why there is no connection.
struct NotConnected: Error { let code: Int32 }

/// An answer as it came.
struct RawAnswer {
    var status: Int
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var trailers: [String] = []

    init(status: Int) { self.status = status }

    var text: String { String(decoding: body, as: UTF8.self) }
    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    func count(of name: String) -> Int { fields.count { $0.name == name } }
    var closes: Bool { self["connection"] == "close" }
}
