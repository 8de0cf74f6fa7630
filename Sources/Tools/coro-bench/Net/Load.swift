// What servers are given to do, for some time, by one thread that blocks. Each says how much came of it.

internal import Coro
internal import Glibc

enum Load {
    /// What came of a load.
    struct Amount: Sendable {
        /// Messages, bytes, connections.
        var units = 0.0
        /// From the first to the last of them.
        var seconds = 0.0
    }

    /// Messages there and back, one in flight on each of so many connections.
    static func echo(_ port: UInt16, bytes: Int, connections: Int, seconds: Double) throws -> Amount {
        let message = [UInt8](repeating: 0, count: bytes)
        let peers = try (0..<connections).map { _ in try RawConnection(port: port) }
        return try repeated(seconds) {
            for peer in peers { try message.withUnsafeBytes { try peer.send($0) } }
            for peer in peers { try peer.drop(bytes) }
            return Double(connections)
        }
    }

    /// Bytes from the server, for as long as it takes.
    static func takeIn(_ port: UInt16, seconds: Double) throws -> Amount {
        let peer = try RawConnection(port: port)
        peer.sleep(untilThereAre: muchAtOnce)
        return try repeated(seconds) { Double(try peer.drop(atMost: 1 << 20)) }
    }

    /// Bytes to the server, which has taken all of them when this returns.
    static func giveOut(_ port: UInt16, bytes: Int, seconds: Double) throws -> Amount {
        let peer = try RawConnection(port: port)
        // Many small messages go out in one call: it is the server that is measured.
        let messages = [UInt8](repeating: 0, count: max(bytes, 64 * 1024 / bytes * bytes))
        let start = Clock.wall
        var amount = try repeated(seconds) {
            try messages.withUnsafeBytes { try peer.send($0) }
            return Double(messages.count)
        }
        peer.finish()
        try peer.drop(1)
        amount.seconds = (Clock.wall - start) / 1e9
        return amount
    }

    /// Connections on which we say a few bytes, and the server says what it has to and closes.
    static func churn(_ port: UInt16, saying text: String, seconds: Double) throws -> Amount {
        let bytes = Array(text.utf8)
        return try repeated(seconds) {
            let peers = try (0..<16).map { _ in try RawConnection(port: port) }
            for peer in peers { try bytes.withUnsafeBytes { try peer.send($0) } }
            for peer in peers { while try peer.drop(atMost: 1 << 20) > 0 {} }
            return Double(peers.count)
        }
    }

    /// Bodies of `bytes` bytes, each on a connection of its own.
    static func fetch(_ port: UInt16, path: String, bytes: Int, seconds: Double) throws -> Amount {
        let request = Array(Load.request(path, connection: "close").utf8)
        return try repeated(seconds) {
            let peer = try RawConnection(port: port)
            peer.sleep(untilThereAre: muchAtOnce)
            try request.withUnsafeBytes { try peer.send($0) }
            var received = 0
            while case let got = try peer.drop(atMost: 16 << 20), got > 0 { received += got }
            // A head comes before it; a refusal would be much less.
            guard received >= bytes else { throw IOError(call: "GET \(path), \(received) bytes", code: EPIPE) }
            return Double(bytes)
        }
    }

    /// So many connections, each with one exchange behind it: they have what quiet ones keep.
    static func quiet(_ port: UInt16, count: Int, saying text: String, until end: String) throws -> [RawConnection] {
        let bytes = Array(text.utf8)
        let end = Array(end.utf8)
        return try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { room in
            try (0..<count).map { _ in
                let peer = try RawConnection(port: port)
                try bytes.withUnsafeBytes { try peer.send($0) }
                var answer: [UInt8] = []
                while !answer.suffix(end.count).elementsEqual(end) {
                    let got = try peer.receive(into: room)
                    guard got > 0 else { throw IOError(call: "recv, and the end came too early,", code: EPIPE) }
                    answer += room[..<got]
                }
                return peer
            }
        }
    }

    /// What is worth waking up for, where bytes come in masses: a few packets, and a small part of a socket's buffer.
    private static let muchAtOnce = 256 << 10

    /// A request's bytes.
    static func request(_ path: String, connection: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: \(connection)\r\n\r\n"
    }

    /// Once at least, and again until the time is over.
    private static func repeated(_ seconds: Double, _ body: () throws -> Double) rethrows -> Amount {
        let start = Clock.wall
        var amount = Amount()
        repeat {
            amount.units += try body()
            amount.seconds = (Clock.wall - start) / 1e9
        } while amount.seconds < seconds
        return amount
    }
}
