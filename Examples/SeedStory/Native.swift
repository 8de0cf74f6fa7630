// Fifth way: Swift's own `async`. No yield is written and no future seen; `await` marks the places where others run. The
// function reads like the blocking one, and both answers are waited for at once.

import Coro

enum Native {
    static func run(port: UInt16) throws {
        let loop = try EventLoop()
        try loop.runSync {
            let first = loop.spawn { try await request(port, on: loop) }
            let second = loop.spawn { try await request(port, on: loop) }
            try await first.value
            try await second.value
        }
        try loop.close()
    }

    private static func request(_ port: UInt16, on loop: EventLoop) async throws {
        let stream = try await Connector(loop: loop).connect(to: .loopback(port: port))
        try await stream.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let statusLine = try await stream.read(until: UInt8(ascii: "\n"))
        guard statusLine.starts(with: "HTTP/1.1 200 ".utf8) else { throw Unexpected("another status") }
    }
}
