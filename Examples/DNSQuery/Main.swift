// Asks a name server for the IPv4 addresses of a name, over UDP (RFC 1035). `DNSQuery example.org 192.0.2.53` asks that
// server; without one it starts a server of its own on loopback, so that it runs anywhere.

import Coro

@main struct Main {
    static func main() throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let name = words.first ?? "localhost.example"
        let loop = try EventLoop()
        try loop.runSync {
            if words.count > 1 {
                guard let server = SocketAddress(ip: words[1], port: 53) else { return print("no address") }
                return print(try await lookUp(name, at: server, on: loop))
            }
            let socket = try DatagramSocket(on: loop, address: .loopback(port: 0))
            let server = loop.spawn(name: "name server") { try await serve(socket) }
            print(try await lookUp(name, at: socket.address, on: loop))
            socket.close()
            try await server.value
        }
        try loop.close()
    }

    /// Asks up to three times, two seconds each: nobody promises that a datagram arrives.
    static func lookUp(_ name: String, at server: SocketAddress, on loop: EventLoop) async throws -> [String] {
        let socket = try DatagramSocket(on: loop, connectedTo: server)
        let question = Message.question(name, id: UInt16.random(in: 0...(.max)))
        for _ in 1...3 {
            try await socket.send(question)
            do {
                return try await loop.withTimeout(.seconds(2)) {
                    for try await answer in socket {
                        // Late answers to somebody else's question, and forged ones, have another number.
                        if let addresses = Message.addresses(in: answer.bytes, to: question) { return addresses }
                    }
                    return []
                }
            } catch is TimeoutError { continue }
        }
        throw TimeoutError("\(server) did not answer.")
    }

    /// Answers every question with 127.0.0.1, until the socket is closed.
    static func serve(_ socket: DatagramSocket) async throws {
        for try await question in socket {
            try await socket.send(Message.answer(to: question.bytes, [127, 0, 0, 1]), to: question.address)
        }
    }
}
