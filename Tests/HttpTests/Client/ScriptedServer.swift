// A server that says exactly what a test wrote down, and remembers what it was sent.

import Coro
import CoroTesting
import Glibc

@testable import Http

/// Accepts connections on the loopback; each is played by `script`, the first with index 0.
final class ScriptedServer: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): everything happens on the loop of the test.

    private(set) var connectionCount = 0
    /// The heads of all requests in order of arrival, as text.
    private(set) var heads: [String] = []
    /// Connections whose script has not ended, or whose client has not closed.
    private(set) var openCount = 0
    let address: SocketAddress
    private let listener: Listener
    private var tasks: [EventLoop.Task<Void>] = []

    typealias Script = @Sendable (_ connection: Connection, _ index: Int) async throws -> Void

    init(on loop: EventLoop, _ script: @escaping Script) throws {
        listener = try Listener(on: loop, address: .loopback(port: 0))
        address = listener.address
        tasks.append(loop.spawn { try await self.serve(script) })
    }

    private func serve(_ script: @escaping Script) async throws {
        while let stream = try await listener.accept() {
            let index = connectionCount
            connectionCount += 1
            openCount += 1
            tasks.append(
                listener.loop.spawn {
                    try? await script(Connection(stream: stream, server: self), index)
                    // FIN by itself: a program that a test starts at this moment has a copy of every socket until it is
                    // executed, and close(2) says FIN with the last copy.
                    stream.finishWriting()
                    stream.close()
                    self.openCount -= 1
                })
        }
    }

    var url: String { "http://\(address)" }

    func stop() {
        listener.close()
        for task in tasks { task.cancel() }
    }

    /// One accepted connection.
    struct Connection: Sendable {
        let stream: ByteStream
        let server: ScriptedServer

        /// The head and the body by Content-Length of the next request; nil at the client's end.
        func readRequest() async throws -> (head: String, body: String)? {
            var head: [UInt8] = []
            while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                do { head += try await stream.read(until: 10) } catch StreamError.ended { return nil }
            }
            let text = String(decoding: head, as: UTF8.self)
            server.heads.append(text)
            let length = text.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.dropFirst("content-length:".count).filter { $0 != " " }) }
            let body = try await stream.read(exactly: length ?? 0)
            return (text, String(decoding: body, as: UTF8.self))
        }

        func send(_ text: String) async throws { try await stream.write(text) }

        func sendByteByByte(_ text: String) async throws {
            for byte in text.utf8 {
                try await stream.write([byte])
                try await stream.loop.moment()
            }
        }

        /// Closes so that the client sees a reset, not an end (SO_LINGER of zero, socket(7)).
        func reset() { stream.resetByPeerForTests() }

        /// Waits until the client closes.
        func waitForEnd() async throws { while try await stream.read() != nil {} }
    }
}

extension ByteStream {
    fileprivate func resetByPeerForTests() {
        // The descriptor is found by its address: the stream, rightly, does not give it away.
        guard let wanted = localAddress, let peer = peerAddress else { return close() }
        for descriptor in OpenDescriptors.numbers {
            guard Self.endpoints(descriptor).map({ $0 == wanted && $1 == peer }) == true else { continue }
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        close()
    }

    private static func endpoints(_ descriptor: Int32) -> (SocketAddress, SocketAddress)? {
        func address(
            _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
        ) -> SocketAddress? {
            var storage = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
            }
            guard result == 0, storage.sin_family == sa_family_t(AF_INET) else { return nil }
            var text = [CChar](repeating: 0, count: 64)
            inet_ntop(AF_INET, &storage.sin_addr, &text, 64)
            let ip = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return SocketAddress(ip: ip, port: UInt16(bigEndian: storage.sin_port))
        }
        guard let local = address({ getsockname(descriptor, $0, $1) }),
            let peer = address({ getpeername(descriptor, $0, $1) })
        else { return nil }
        return (local, peer)
    }
}

/// Runs `body` on a loop of its own with a scripted server and a client, for at most ten seconds.
func withClient(
    configuration: HTTPClient.Configuration = .init(), clock: any LoopClock = MonotonicClock(),
    script: @escaping ScriptedServer.Script,
    _ body: sending @escaping (HTTPClient, ScriptedServer) async throws -> Void
) throws {
    let loop = try EventLoop(clock: clock)
    defer { try? loop.close() }
    try loop.runSync(timeout: .seconds(10)) {
        let server = try ScriptedServer(on: loop, script)
        defer { server.stop() }
        try await body(HTTPClient(on: loop, configuration: configuration), server)
    }
}

/// A server that answers every request on every connection with `answer`.
func answering(_ answer: String) -> ScriptedServer.Script {
    { connection, _ in
        while try await connection.readRequest() != nil { try await connection.send(answer) }
    }
}

/// A server that answers the first request of each connection with `answer` and closes.
func answeringOnce(_ answer: String) -> ScriptedServer.Script {
    { connection, _ in
        guard try await connection.readRequest() != nil else { return }
        try await connection.send(answer)
    }
}
