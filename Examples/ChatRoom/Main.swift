// A chat room: what one says, all others hear. `ChatRoom 7000` serves localhost:7000, IPv4 and IPv6, until it is stopped
// (try it with two of `nc localhost 7000`); without a port two guests meet once and the room closes.

import Coro

@main struct Main {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) }
        let loop = try EventLoop()
        try loop.runSync {
            let listeners = try await Listener.bind(to: "localhost", port: port ?? 0, on: loop)
            print("open at \(listeners.map(\.address.description).joined(separator: " and "))")
            let room = Room()
            try await loop.withScope { scope in
                for listener in listeners {
                    // A server a family, one room: all of it is on one thread, and needs no lock.
                    scope.spawn { try await listener.serve(connectionsMax: 1_000) { try await room.welcome($0) } }
                }
                if port == nil {
                    try await visit(listeners[0].address, on: loop)
                    for listener in listeners { listener.close() }
                }
            }
        }
        try loop.close()
    }

    /// Two guests, of whom one speaks.
    static func visit(_ address: SocketAddress, on loop: EventLoop) async throws {
        let ann = try await Connector(loop: loop).connect(to: address)
        try await ann.write("ann\nis anybody here?\n")
        let bob = try await Connector(loop: loop).connect(to: address)
        try await bob.write("bob\nhello\n")
        bob.finishWriting()
        for _ in 0..<3 {
            let line = try await ann.read(until: UInt8(ascii: "\n"))
            print("ann reads:", String(decoding: line.dropLast(), as: UTF8.self))
        }
    }
}
