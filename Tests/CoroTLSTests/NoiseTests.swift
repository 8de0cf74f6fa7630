#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// Somebody in between who changes bytes, or cuts. He may break a connection; he may not make anybody believe anything.
@Suite struct NoiseTests {
    /// What the one in between does to the bytes of one direction.
    private enum Mischief: Sendable {
        case flip(at: Int, bits: UInt8)
        case cut(at: Int)
        case insert(at: Int, [UInt8])
        case doubled(from: Int, count: Int)
    }

    /// Passes on what comes, and does his work when its place has come.
    private static func relay(_ source: ByteStream, _ sink: ByteStream, _ mischief: Mischief?) async throws {
        var passed = 0
        while let bytes = try await source.read() {
            var bytes = bytes
            let place = passed..<(passed + bytes.count)
            passed = place.upperBound
            switch mischief {
            case .flip(let at, let bits) where place.contains(at): bytes[at - place.lowerBound] ^= bits
            case .cut(let at) where place.contains(at):
                try await sink.write(Array(bytes.prefix(at - place.lowerBound)))
                sink.close()
                return source.close()
            case .insert(let at, let more) where place.contains(at):
                bytes.insert(contentsOf: more, at: at - place.lowerBound)
            case .doubled(let from, let count) where place.contains(from):
                bytes += bytes.dropFirst(from - place.lowerBound).prefix(count)
            default: break
            }
            try await sink.write(bytes)
        }
        sink.finishWriting()
    }

    private static func mischief(_ chance: inout SeededGenerator) -> Mischief {
        // A handshake is some two thousand bytes from the server, fewer from the client, and then come the messages.
        let place = chance.next(below: 4_000)
        switch chance.next(below: 6) {
        case 0...2: return .flip(at: place, bits: UInt8(1 << chance.next(below: 8)))
        case 3: return .cut(at: place)
        case 4: return .insert(at: place, (0...chance.next(below: 8)).map { _ in UInt8(chance.next(below: 256)) })
        default: return .doubled(from: place, count: 1 + chance.next(below: 200))
        }
    }

    private static let message = (0..<1_500).map { UInt8(truncatingIfNeeded: $0 &* 13) }

    /// Reads what comes to the end.
    private static func talk(_ stream: ByteStream, into got: Locked<[UInt8]>) async throws {
        defer { stream.close() }
        for _ in 0..<2 { try await stream.write(message) }
        stream.finishWriting()
        while let bytes = try await stream.read() { got.withLock { $0 += bytes } }
    }

    @Test(arguments: 0..<10)
    func `a hundred times: changed or cut anywhere, it ends in an error or in all of the right bytes`(
        _ group: Int
    ) async throws {
        let seed = Seed.ofProcess &+ UInt64(group) &* 1_000
        // Time jumps as soon as both sides wait for bytes that never come.
        try await withLoop(clock: ManualClock(whenIdle: .jumps), seconds: 120) { loop async throws in
            var chance = SeededGenerator(seed: seed)
            let clients = try [TLSVersion.tls12, .tls13].map { version in
                try TestAuthority.client { $0.versions = version...version }
            }
            let server = try TestAuthority.server()
            let sent = Self.message + Self.message
            var broken = 0
            for round in 0..<100 {
                let (near, far) = (try StreamPair(on: loop), try StreamPair(on: loop))
                let (up, down) = (Self.mischief(&chance), Self.mischief(&chance))
                let which = chance.next(below: 2)
                let client = clients[round % 2]
                let (clientGot, serverGot) = (Locked<[UInt8]>([]), Locked<[UInt8]>([]))
                let relays = [
                    loop.spawn { await failure { try await Self.relay(near.right, far.left, which == 0 ? up : nil) } },
                    loop.spawn {
                        await failure { try await Self.relay(far.left, near.right, which == 1 ? down : nil) }
                    },
                ]
                let connecting = loop.spawn {
                    await failure {
                        try await loop.withTimeout(.seconds(30)) {
                            try await near.left.startTLS(client, host: "localhost")
                            try await Self.talk(near.left, into: clientGot)
                        }
                    }
                }
                let accepting = loop.spawn {
                    await failure {
                        try await loop.withTimeout(.seconds(30)) {
                            try await far.right.startTLS(server)
                            try await Self.talk(far.right, into: serverGot)
                        }
                    }
                }
                let errors = [try await connecting.value, try await accepting.value]
                near.close()
                far.close()
                for relay in relays { _ = try await relay.value }
                let story = "seed \(seed), round \(round): \(which == 0 ? up : down)"
                for (got, error) in zip([clientGot, serverGot], errors) {
                    let bytes = got.withLock { $0 }
                    #expect(sent.starts(with: bytes), "\(story)")
                    // An end is an end only with all there was.
                    if error == nil { #expect(bytes == sent, "\(story)") }
                    switch error {
                    case nil, is TLSError, is StreamError, is TimeoutError: break
                    default: Issue.record("\(error!): \(story)")
                    }
                }
                if errors.contains(where: { $0 != nil }) { broken += 1 }
            }
            // Some changes fall behind the last byte, or on a version's number that nobody looks at.
            #expect(broken > 30)
        }
    }

    /// Two secured ends that hear nothing of each other any more: `near.left` says what `near.right` gets, and `far.right` hears
    /// what `far.left` is given. What is made in small pieces can so be sent all at once.
    private static func stoppedPair(on loop: EventLoop) async throws -> (near: StreamPair, far: StreamPair) {
        let (near, far) = (try StreamPair(on: loop), try StreamPair(on: loop))
        let relays = [(near.right, far.left), (far.left, near.right)].map { source, sink in
            loop.spawn { await failure { try await relay(source, sink, nil) } }
        }
        let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
        let accepting = loop.spawn { try await far.right.startTLS(server) }
        try await near.left.startTLS(client, host: "localhost")
        try await accepting.value
        // The server's tickets are out of the way, and everything of the handshake has arrived.
        try await near.left.write("a")
        #expect(try await far.right.read() == [UInt8(ascii: "a")])
        try await far.right.write("b")
        #expect(try await near.left.read() == [UInt8(ascii: "b")])
        for relay in relays {
            relay.cancel()
            _ = try await relay.value
        }
        return (near, far)
    }

    @Test func `a peer that puts each byte into a record of its own takes nobody's turn`() async throws {
        try await withLoop { loop async throws in
            let (near, far) = try await Self.stoppedPair(on: loop)
            var records: [UInt8] = []
            let count = 2_000
            for _ in 0..<count {
                try await near.left.write("x")
                records += try #require(try await near.right.read())
            }
            far.left.append(records)
            while far.left.unsentCount > 0 { try await loop.moment() }

            let turns = Locked(0)
            let others = loop.spawn {
                while true {
                    try await loop.moment()
                    turns.withLock { $0 += 1 }
                }
            }
            #expect(try await far.right.read(exactly: count).count == count)
            // As many records hold two megabytes when they are full.
            #expect(turns.withLock { $0 } >= count / 128)
            others.cancel()
            _ = try? await others.value
        }
    }

    @Test func `RFC 8446 §4.6.3: a peer that changes its keys without end takes nobody's turn`() async throws {
        try await withLoop { loop async throws in
            let (near, far) = try await Self.stoppedPair(on: loop)
            let layer = try #require(near.left.layer as? TLSLayer)
            var updates: [UInt8] = []
            for _ in 0..<40 {
                for _ in 0..<100 {
                    try #require(layer.updateKeys(onBothSides: false))
                    guard case .done = layer.shakeHands() else {
                        Issue.record("There was no room.")
                        return
                    }
                }
                updates += try #require(try await near.right.read())
            }
            try #require(updates.count > 100_000)
            try await near.left.write("c")
            updates += try #require(try await near.right.read())
            far.left.append(updates)
            while far.left.unsentCount > 0 { try await loop.moment() }

            let plan = far.right.inject(.smooth)
            _ = far.right.receiveUnannouncedNow()
            #expect(plan.steps < 3)
            #expect(try await far.right.read() == [UInt8(ascii: "c")])
        }
    }
}
#endif
