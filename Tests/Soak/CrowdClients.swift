// The other side of the crowd: fifteen thousand clients in a process of their own, because each side of a connection takes a
// descriptor and a process may have twenty thousand.

internal import Console
internal import Coro
internal import CoroTesting
internal import Glibc

/// Many connections to one server, opened, used and ended in every way, over and over, until the time is up.
///
/// Then all are opened once more. "full" is said on standard output; a third of them is closed at once, and "closed" is said;
/// the rest waits for the server to end it.
final class CrowdClients: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used on its loop's thread only.

    /// What the command line says: `crowd-clients PORT COUNT MILLISECONDS SEED`.
    static let word = "crowd-clients"

    private let loop: EventLoop
    private let port: UInt16
    private let count: Int
    private let end: LoopInstant
    private let seed: UInt64
    /// So many connect at a time: the kernel keeps some thousand handshakes for a listener and drops the rest.
    private let doors: Coro.Semaphore
    /// Connections that stay until the end.
    private var standing: [ByteStream] = []
    private let full: Event
    private var lives = 0

    private init(_ arguments: [Int], on loop: EventLoop) {
        self.loop = loop
        port = UInt16(arguments[0])
        count = arguments[1]
        end = loop.now.advanced(by: .milliseconds(arguments[2]))
        seed = UInt64(arguments[3])
        doors = Coro.Semaphore(on: loop, permits: 200)
        full = Event(on: loop)
    }

    /// Plays all clients; false when one of them got something else than it should have.
    static func run(_ arguments: [String]) -> Bool {
        let numbers = arguments.compactMap { Int($0) }
        guard numbers.count == 4 else { return false }
        do {
            let loop = try EventLoop()
            try loop.runSync { try await CrowdClients(numbers, on: loop).run() }
            try loop.close()
            return true
        } catch {
            Console.note("crowd: \(error)\n")
            return false
        }
    }

    private func run() async throws {
        try await loop.withScope { scope in
            for index in 0..<count { scope.spawn { try await self.visit(index) } }
            try await full.wait()
            Console.print("full\n")
            try await loop.sleep(for: .milliseconds(300))
            for stream in standing[..<(count / 3)] { stream.close() }
            Console.print("closed\n")
        }
        Console.print("\(lives) connections\n")
    }

    // MARK: One client

    private func visit(_ index: Int) async throws {
        var chance = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(index))
        while loop.now < end {
            try await live(&chance, index)
            lives += 1
        }
        let stream = try await connect(index)
        try await say("hello", on: stream)
        lives += 1
        standing.append(stream)
        if standing.count == count { full.set() }
        // Closed here, closed there, or reset because the server had not read: all that counts is that it ends.
        do { while try await stream.read() != nil {} } catch is StreamError {}
    }

    private func connect(_ index: Int) async throws -> ByteStream {
        // Each address of 127.0.0.0/8 has ports of its own: one would run out of those that wait for their end (TIME_WAIT).
        guard let address = SocketAddress(ip: "127.0.0.\(1 + index % 64)", port: port) else { throw LoopError.closed }
        return try await doors.withPermit { try await Connector(loop: loop).connect(to: address) }
    }

    private func say(_ text: String, on stream: ByteStream) async throws {
        try await stream.write(text)
        let echo = try await stream.read(exactly: text.utf8.count)
        guard echo == Array(text.utf8) else { throw Broken(description: "other bytes came back") }
    }

    /// A connection from its beginning to its end.
    private func live(_ chance: inout SeededGenerator, _ index: Int) async throws {
        let stream = try await connect(index)
        for word in 0...chance.next(below: 3) { try await say("word \(word) of \(index)", on: stream) }
        try await loop.sleep(for: .milliseconds(chance.next(below: 4_000)))
        switch chance.next(below: 7) {
        case 0: stream.close()
        case 1: stream.reset()
        case 2:
            // Bytes that nobody will read: the kernel answers the server's echo with RST.
            try await stream.write("nobody waits for this")
            stream.close()
        case 3:
            stream.finishWriting()
            try await expect("bye", from: stream)
        case 4:
            try await stream.write(CrowdServer.beSilent)
            try await expect("", from: stream)
        case 5:
            try await stream.write(CrowdServer.close)
            try await expect("", from: stream)
        default:
            try await stream.write(CrowdServer.reset)
            do {
                _ = try await stream.collect()
                throw Broken(description: "a reset came as an end")
            } catch StreamError.broken(let error) where error.code == ECONNRESET {}
        }
    }

    private func expect(_ text: String, from stream: ByteStream) async throws {
        let last = try await stream.collect()
        guard last == Array(text.utf8) else { throw Broken(description: "\(last) came instead of \(text)") }
    }
}
