// HTTP on a network that misbehaves: an exact body or an error, and a server that goes on.

import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct `On a path with faults` {
    @Test func `fifty seeded runs bring exact bodies or errors, and the server serves others`() async throws {
        try await withServer(clock: ManualClock(whenIdle: .jumps), handler: echo) { served async throws in
            var exact = 0
            for run in 0..<50 {
                if try await posts(through: served, seed: Seed.ofProcess &+ UInt64(run)) { exact += 1 }
            }
            // Whatever the seed: some reach their end, and some do not.
            #expect(exact > 5 && exact < 45)
            #expect(try await served.servesOthers())
        }
    }

    /// Three bodies there and back, over one path; true when all came back.
    private func posts(through served: Served, seed: UInt64) async throws -> Bool {
        let path = try FaultyPath(
            to: served.address, on: served.loop, upstream: .seeded(seed), downstream: .seeded(seed))
        defer { path.close() }
        let client = HTTPClient(on: served.loop)
        var chance = SeededGenerator(seed: seed)
        for _ in 0..<3 {
            let text = (0..<chance.next(below: 20_000)).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
            do {
                let response = try await client.post("http://\(path.address)/echo", .bytes(text))
                let body = try await response.body.collect()
                // A server that was sent half a request may say so.
                guard response.status == .ok else { return false }
                #expect(body == text, "seed \(seed)")
            } catch {
                #expect(!(error is CancellationError), "seed \(seed)")
                return false
            }
        }
        return true
    }

    @Test func `an answer that is cut at any byte is an error, never a shorter answer`() async throws {
        try await withServer(clock: ManualClock(whenIdle: .jumps)) { served async throws in
            let whole = try await served.answer(to: get("/text", "Connection: close"))
            #expect(whole.status == 200)
            var byte = 0
            var isWhole = false
            while !isWhole {
                for fault in [PathFault.cut, .reset] {
                    let path = try FaultyPath(
                        to: served.address, on: served.loop, downstream: .smooth.with(fault, atByte: byte))
                    defer { path.close() }
                    let client = HTTPClient(on: served.loop)
                    let text = try? await client.get("http://\(path.address)/text").body.text()
                    #expect(text == nil || text == "/text", "\(fault) at byte \(byte)")
                    isWhole = text != nil
                }
                byte += 1
            }
            // The head alone is longer than this.
            #expect(byte > 60)
        }
    }
}
