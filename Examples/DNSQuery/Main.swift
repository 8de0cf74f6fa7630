// Asks a name server for the IPv4 addresses of a name, over UDP (RFC 1035). `DNSQuery example.org 192.0.2.53` asks that
// server; without one it starts a server of its own on loopback, so that it runs anywhere.

import Coro

@main struct Main {
    static func main() throws {
        let (loop, words) = (try EventLoop(), Array(CommandLine.arguments.dropFirst()))
        try loop.runSync {
            let socket = try DatagramSocket(on: loop, address: .loopback(port: 0))
            let server = words.count > 1 ? SocketAddress(ip: words[1], port: 53) : socket.address
            guard let server else { return print("\(words[1]) is not an IP address.") }
            if words.count < 2 { loop.spawn(name: "name server") { try await serve(socket) } }
            print(try await lookUp(words.first ?? "localhost.example", at: server, on: loop))
        }
        try loop.close()
    }

    /// Asks up to three times, two seconds each: nobody promises that a datagram arrives.
    static func lookUp(_ name: String, at server: SocketAddress, on loop: EventLoop) async throws -> [String] {
        let socket = try DatagramSocket(on: loop, connectedTo: server)
        // A number, "recursively, please", one question; then the name, type A, class IN (§4.1).
        var question: [UInt8] = [.random(in: 0...255), .random(in: 0...255), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.split(separator: ".") { question += [UInt8(label.utf8.count & 63)] + label.utf8.prefix(63) }
        question += [0, 0, 1, 0, 1]
        for _ in 1...3 {
            try await socket.send(question)
            do {
                return try await loop.withTimeout(.seconds(2)) { [question] in
                    // Late answers to somebody else's question, and forged ones, have another number.
                    for try await answer in socket where answer.bytes.starts(with: question.prefix(2)) {
                        return addresses(in: answer.bytes.dropFirst(question.count))
                    }
                    return []
                }
            } catch is TimeoutError { continue }
        }
        throw TimeoutError("\(server) did not answer.")
    }

    /// The A records among `records`. A name ends at a zero, or with a pointer.
    static func addresses(in records: ArraySlice<UInt8>) -> [String] {
        guard let end = records.firstIndex(where: { $0 == 0 || $0 >= 0xc0 }) else { return [] }
        let fields = Array(records[end...].dropFirst(records[end] == 0 ? 1 : 2))
        let length = fields.dropFirst(8).prefix(2).reduce(0) { $0 << 8 | Int($1) }
        guard fields.count >= 10 + length else { return [] }
        let text = fields[10..<10 + length].map(String.init).joined(separator: ".")
        return (fields[..<2] == [0, 1] ? [text] : []) + addresses(in: fields.dropFirst(10 + length))
    }

    /// Answers every question with 127.0.0.1, until the loop is closed: one A record, whose name is a pointer (§4.1.4).
    static func serve(_ socket: DatagramSocket) async throws {
        for try await question in socket where question.bytes.count > 12 {
            var answer = question.bytes
            answer.replaceSubrange(2..<12, with: [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])
            answer += [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]
            try await socket.send(answer, to: question.address)
        }
    }
}
