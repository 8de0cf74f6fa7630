// Bytes there and back over a socket pair: what the kernel takes is most of it.

internal import Coro
internal import Glibc

extension Scenario {
    static let streams = [
        Scenario(
            "readiness", "handler round trip",
            about: "addHandler on both ends of a socket pair; a byte there and back: two of epoll_wait, send and recv"
        ) { meter in
            let (left, right) = try socketPair()
            let rally = Rally(on: meter.loop, from: left, to: right)
            try rally.begin()
            try await meter.measure(2_000) { count in try await rally.play(count) }
            rally.end()
            close(left)
            close(right)
        },
        Scenario(
            "stream", "ping-pong", about: "a byte there and back between two tasks, each with a ByteStream of the pair"
        ) { meter in
            let loop = meter.loop
            let (left, right) = try socketPair()
            let ping = try ByteStream(takingOver: left, on: loop)
            let pong = try ByteStream(takingOver: right, on: loop)
            let echo = loop.spawn {
                while let bytes = try await pong.read() { try await pong.write(bytes) }
            }
            try await meter.measure(2_000) { count in
                for _ in 0..<count {
                    try await ping.write([1])
                    blackHole(try await ping.read(exactly: 1))
                }
            }
            ping.close()
            try await echo.value
            pong.close()
        },
    ]

    /// Two connected descriptors that do not block.
    static func socketPair() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw IOError(call: "socketpair", code: errno) }
        return (ends[0], ends[1])
    }
}

/// A byte that two handlers send each other.
private final class Rally: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on the loop's thread only.
    private let loop: EventLoop
    private let left: Int32
    private let right: Int32
    private var rounds = 0
    private var done: Promise<Void>?

    init(on loop: EventLoop, from left: Int32, to right: Int32) {
        self.loop = loop
        self.left = left
        self.right = right
    }

    func begin() throws {
        try loop.addHandler(right, interest: .readable) { _ in if self.receive(self.right) { self.send(self.right) } }
        try loop.addHandler(left, interest: .readable) { _ in
            guard self.receive(self.left) else { return }
            self.rounds -= 1
            if self.rounds > 0 { self.send(self.left) } else { self.done?.trySucceed(()) }
        }
    }

    func end() {
        loop.removeHandler(left)
        loop.removeHandler(right)
    }

    func play(_ count: Int) async throws {
        let done = loop.promise(of: Void.self)
        self.done = done
        rounds = count
        send(left)
        try await done.future.value
    }

    private func send(_ descriptor: Int32) {
        var byte: UInt8 = 1
        _ = Glibc.send(descriptor, &byte, 1, Int32(MSG_NOSIGNAL))
    }

    private func receive(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) == 1
    }
}
