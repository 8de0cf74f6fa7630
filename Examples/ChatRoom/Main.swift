// A chat room: what one says, all others hear. `ChatRoom 7000` serves 127.0.0.1:7000 until it is stopped (try it with two of
// `nc 127.0.0.1 7000`); without a port two guests meet once and the room closes.

import Coro

@main struct Main {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) }
        let loop = try EventLoop()
        try loop.runSync {
            let (listener, room) = (try Listener(on: loop, address: .loopback(port: port ?? 0)), Room())
            print("open at \(listener.address)")
            let serving = loop.spawn { try await listener.serve(connectionsMax: 1_000) { try await room.welcome($0) } }
            if port == nil {
                try await visit(listener.address, on: loop)
                listener.close()
            }
            try await serving.value
        }
        try loop.close()
    }

    static func visit(_ address: SocketAddress, on loop: EventLoop) async throws {
        let ann = try await Connector(loop: loop).connect(to: address)
        try await ann.write("ann\n")
        let bob = try await Connector(loop: loop).connect(to: address)
        try await bob.write("bob\nhello\n")
        bob.finishWriting()
        for try await line in ann.lines().prefix(3) { print("ann reads:", line) }
    }
}

/// Who is in the room. A guest who does not read is not waited for: what is said goes into a queue of the guest's own, and
/// whoever's is full misses it.
final class Room: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): all guests are served on one loop, whose thread alone comes here.
    private var guests: [String: Queue<String>] = [:]

    /// Serves one guest, whose first line is the name.
    func welcome(_ stream: ByteStream) async throws {
        guard let name = try await stream.lines(limit: 1_000).first(where: { _ in true }) else { return }
        guard guests[name] == nil else { return try await stream.write("* that name is taken\n") }
        let heard = Queue<String>(on: stream.loop, capacity: 100)
        guests[name] = heard
        say("* \(name) has come", but: name)
        defer {
            guests[name] = nil
            say("* \(name) has left", but: name)
        }
        try await stream.loop.withScope { scope in
            scope.spawn { for try await text in heard { try await stream.write(text + "\n") } }
            defer { scope.cancel() }
            for try await line in stream.lines(limit: 1_000) { self.say("\(name): \(line)", but: name) }
        }
    }

    private func say(_ text: String, but speaker: String) {
        for (name, queue) in guests where name != speaker { _ = try? queue.tryPut(text) }
    }
}
