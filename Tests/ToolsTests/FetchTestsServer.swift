// A server for coro-fetch to talk to: a loop on a thread of its own, and for each path the bytes to answer with.

import Coro
import Foundation

/// Answers the request for a path with literal bytes and closes the connection.
final class CannedServer: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `heads` is guarded by `lock`; the rest is constant after init.

    /// Sends the answer this many milliseconds late.
    struct Answer: Sendable {
        var bytes: String
        var delay = 0
    }

    private let loop: EventLoop
    private let listener: Listener
    private let lock = NSLock()
    private var received: [String] = []

    init(_ answers: [String: Answer]) throws {
        let loop = try EventLoop()
        let listener = try Listener(on: loop, address: .loopback(port: 0))
        self.loop = loop
        self.listener = listener
        loop.spawn {
            while let stream = try await listener.accept() {
                loop.spawn { try? await self.serve(stream, answers) }
            }
        }
        Thread.detachNewThread {
            try? loop.run()
            try? loop.close()
        }
    }

    deinit { loop.stop() }

    var host: String { listener.address.description }

    /// The heads and bodies of the requests so far.
    var requests: [String] { lock.withLock { received } }

    func stop() {
        listener.close()
        loop.stop()
    }

    private func serve(_ stream: ByteStream, _ answers: [String: Answer]) async throws {
        var head = ""
        while !head.hasSuffix("\r\n\r\n") {
            head += String(decoding: try await stream.read(until: 10), as: UTF8.self)
        }
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst("Content-Length: ".count)) }
        let body = String(decoding: try await stream.read(exactly: length ?? 0), as: UTF8.self)
        lock.withLock { received.append(head + body) }
        let path = String(head.split(separator: " ")[1])
        guard let answer = answers[path] else { return stream.close() }
        try await loop.sleep(for: .milliseconds(answer.delay))
        try await stream.write(answer.bytes)
        stream.close()
    }
}

/// A complete answer with this body.
func canned(_ body: String, status: String = "200 OK", fields: String = "") -> CannedServer.Answer {
    CannedServer.Answer(
        bytes: "HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
}
