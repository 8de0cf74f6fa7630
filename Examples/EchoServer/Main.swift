// Sends every line back to whoever sent it. `EchoServer 7000` serves 127.0.0.1:7000 until it is stopped (try it with
// `nc 127.0.0.1 7000`); without a port it talks to itself once and ends.

import Coro

@main struct Main {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) }
        let loop = try EventLoop()
        try loop.runSync {
            let listener = try Listener(on: loop, address: .loopback(port: port ?? 0))
            print("listening on \(listener.address)")
            if port != nil { return try await serve(listener) }
            let server = loop.spawn(name: "server") { try await serve(listener) }
            try await talk(to: listener.address, on: loop)
            // Closing the listener is what ends the accepting; the connections end with their peers.
            listener.close()
            try await server.value
        }
        try loop.close()
    }

    /// Accepts until the listener is closed. Each connection is a task of its own.
    static func serve(_ listener: Listener) async throws {
        while let stream = try await listener.accept() {
            listener.loop.spawn(name: "echo \(stream.peerAddress?.description ?? "?")") { try await echo(stream) }
        }
    }

    /// Reads what there is and writes it back, until the peer has said its last. A peer that does not read stops the
    /// writing, and with it the reading: nothing piles up here.
    static func echo(_ stream: ByteStream) async throws {
        while let bytes = try await stream.read(atMost: 16 * 1024) {
            try await stream.write(bytes)
        }
    }

    static func talk(to address: SocketAddress, on loop: EventLoop) async throws {
        let stream = try await Connector(loop: loop).connect(to: address)
        for line in ["hello", "is anybody there?", "goodbye"] {
            try await stream.write(line + "\n")
            let answer = try await stream.read(until: UInt8(ascii: "\n"))
            print("sent \(line), got \(String(decoding: answer.dropLast(), as: UTF8.self))")
        }
        stream.finishWriting()
        let rest = try await stream.read()
        print(rest == nil ? "the server has closed too" : "the server had more to say")
    }
}
