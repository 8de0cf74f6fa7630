// Fourth way: what the third built by hand is in the library. `coroutine { co in … }` is the task, with a runner that
// also carries results and failures; `co.yield` takes a future, and an array of futures waits for all of them.

import Coro

enum Generators {
    static func run(port: UInt16) throws {
        let loop = try EventLoop()
        try loop.runSync {
            try await coroutine { co in
                _ = try await co.yield([request(port), request(port)])
            }.value
        }
        try loop.close()
    }

    /// Runs at once, to its first `yield`; the future is done when the body returns.
    private static func request(_ port: UInt16) -> Future<Void> {
        coroutine { co in
            let socket = try PlainSocket(port: port, isBlocking: false)
            defer { socket.close() }
            _ = try await co.yield(co.loop.ready(socket.descriptor, for: .writable))
            try socket.sendRequest()
            _ = try await co.yield(co.loop.ready(socket.descriptor, for: .readable))
            try socket.receiveAnswer()
        }
    }
}
