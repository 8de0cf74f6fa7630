// A server whose every answer takes a second, on a loop of its own in a thread of its own, so that a client that blocks
// its thread does not stop the server.

import Coro
import Glibc
import Http

final class OneSecondServer {
    /// Where it listens, on 127.0.0.1.
    let port: UInt16
    private let loop: EventLoop
    private let server: HTTPServer
    /// The loop of this thread, for talking to the other one.
    private let ownLoop: EventLoop

    init() throws {
        let loop = try EventLoop()
        // The handler is a generator-style coroutine: it sleeps a second, and the loop serves others meanwhile.
        let server = HTTPServer(
            on: loop,
            future: { request in
                coroutine { co in
                    try await co.yield(request.loop.sleep(.seconds(1)))
                    return .text("Hello, world\n")
                }
            })
        startThread { try? loop.run() }
        ownLoop = try EventLoop()
        port = try ownLoop.runSync { try await server.listen(on: .loopback(port: 0)).port }
        self.loop = loop
        self.server = server
    }

    func stop() throws {
        let server = server
        try ownLoop.runSync { await server.shutdown() }
        loop.stop()
    }
}

/// Runs `body` in a new thread.
private func startThread(_ body: @escaping @Sendable () -> Void) {
    final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
    }
    let failure = pthread_create(&thread, nil, start, Unmanaged.passRetained(Work(body)).toOpaque())
    precondition(failure == 0, "The system has no thread left for the server.")
    pthread_detach(thread)
}
