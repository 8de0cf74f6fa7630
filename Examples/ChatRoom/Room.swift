// Who is in the room. A guest who does not read is not waited for: what is said goes into a queue of the guest's own, and
// whoever's is full misses it.

import Coro

final class Room: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): all guests are served on one loop, whose thread alone comes here.
    private var guests: [String: Queue<String>] = [:]

    /// Serves one guest, from the name to the last line.
    func welcome(_ stream: ByteStream) async throws {
        guard let name = try await line(from: stream) else { return }
        guard guests[name] == nil else { return try await stream.write("* that name is taken\n") }
        let heard = Queue<String>(on: stream.loop, capacity: 100)
        guests[name] = heard
        say("* \(name) has come\n", but: name)
        defer {
            guests[name] = nil
            say("* \(name) has left\n", but: name)
        }
        try await stream.loop.withScope { scope in
            scope.spawn { for try await text in heard { try await stream.write(text) } }
            while let line = try await self.line(from: stream) { self.say("\(name): \(line)\n", but: name) }
            scope.cancel()
        }
    }

    private func say(_ text: String, but speaker: String) {
        for (name, queue) in guests where name != speaker { _ = try? queue.tryPut(text) }
    }

    /// nil when the guest has said the last line.
    private func line(from stream: ByteStream) async throws -> String? {
        do {
            let bytes = try await stream.read(until: UInt8(ascii: "\n"), limit: 1_000)
            return String(decoding: bytes.dropLast(), as: UTF8.self)
        } catch StreamError.ended {
            return nil
        }
    }
}
