// A server whose every answer takes a second, on a loop of its own in a thread of its own, so that a client that blocks
// its thread does not stop the server.

import Coro
import Http

final class OneSecondServer {
    /// Where it listens, on 127.0.0.1.
    let port: UInt16
    private let worker: LoopThread
    private let server: HTTPServer
    /// The loop of this thread, for talking to the other one.
    private let ownLoop: EventLoop

    init() throws {
        let worker = try LoopThread(name: "server")
        // The handler is a generator-style coroutine: it sleeps a second, and the loop serves others meanwhile.
        let server = HTTPServer(
            on: worker.loop,
            future: { request in
                coroutine { co in
                    try await co.yield(request.loop.sleep(.seconds(1)))
                    return .text("Hello, world\n")
                }
            })
        ownLoop = try EventLoop()
        port = try ownLoop.runSync { try await server.listen(on: .loopback(port: 0)).port }
        self.worker = worker
        self.server = server
    }

    func stop() throws {
        let server = server
        try ownLoop.runSync { await server.shutdown() }
        try worker.stop()
    }
}
