// What blocking.sh must find: a server that does everything right but for its handler, which sleeps on the loop's thread.

import Console
import Coro
import Glibc
import Http

@main struct Main {
    static func main() throws {
        let loop = try EventLoop()
        let signals = try loop.signals([SIGTERM])
        try loop.runSync {
            let server = HTTPServer(on: loop) { _ in
                usleep(1_000)
                return .text("Slept\n")
            }
            let address = try await server.listen(on: .loopback(port: 0))
            Console.note("listening on http://\(address)/\n")
            _ = try await signals.next()
            await server.shutdown(grace: .zero)
        }
    }
}
