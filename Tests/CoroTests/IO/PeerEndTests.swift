import CoroTesting
import Glibc
import Testing

@testable import Coro

/// The other side's end, told to those who do not read.
@Suite struct PeerEndTests {
    @Test func `a stream that nobody reads is told of its peer's end, and keeps what came before`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            let watching = loop.spawn { try await pair.server.peerEnd() }
            try await pair.client.write("good bye")
            try await loop.moment()
            #expect(!watching.future.isDone)
            pair.client.finishWriting()
            #expect(try await watching.value == .finished)
            // It may still be answered.
            try await pair.server.write("so long")
            #expect(try await pair.client.read(exactly: 7) == Array("so long".utf8))
            #expect(try await pair.server.collect() == Array("good bye".utf8))
        }
    }

    /// How many bytes have come that nobody has read.
    private func countThere(_ stream: ByteStream) -> Int {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { room in
            max(0, recv(stream.channel.descriptor, room.baseAddress, room.count, Int32(MSG_PEEK | MSG_DONTWAIT)))
        }
    }

    @Test(arguments: [true, false])
    func `what is sent last goes with FIN in one packet`(_ isClosed: Bool) async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            pair.server.append("good bye")
            _ = pair.server.flushNow(isLast: true)
            #expect(pair.server.unsentCount == 0)
            #expect(countThere(pair.client) == 0)
            if isClosed { pair.server.close() } else { pair.server.finishWriting() }
            #expect(countThere(pair.client) == 8)
            #expect(try await pair.client.collect() == Array("good bye".utf8))
        }
    }

    @Test func `where the end has to stand aside, what is sent last does not wait for it`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            for _ in 0..<100 { try StreamPair(on: loop).left.close() }
            pair.server.append("good bye")
            _ = pair.server.flushNow(isLast: true)
            #expect(countThere(pair.client) == 8)
            pair.server.close()
            #expect(try await pair.client.collect() == Array("good bye".utf8))
        }
    }

    @Test func `a reset is told from an end`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            let watching = loop.spawn { try await pair.server.peerEnd() }
            pair.client.reset()
            #expect(try await watching.value == .vanished)
        }
    }

    @Test func `an end that has come is told at once, and to all who wait`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let watching = (0..<3).map { _ in loop.spawn { try await pair.left.peerEnd() } }
            try await loop.moment()
            pair.right.close()
            for watcher in watching { #expect(try await watcher.value == .vanished) }
            #expect(try await pair.left.peerEnd() == .vanished)
        }
    }

    @Test func `whoever reads is woken first`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let order = Journal<String>()
            let watching = loop.spawn {
                try await pair.left.peerEnd()
                order.note("end")
            }
            let reading = loop.spawn {
                while let bytes = try await pair.left.read() { order.note(String(decoding: bytes, as: UTF8.self)) }
            }
            try await loop.moment()
            pair.right.append("last words")
            pair.right.finishWriting()
            try await watching.value
            try await reading.value
            #expect(order.entries == ["last words", "end"])
        }
    }

    @Test func `a close here ends the wait with its reason`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let watching = loop.spawn { try await pair.left.peerEnd() }
            try await loop.moment()
            pair.left.close()
            await #expect(throws: StreamError.closed) { try await watching.value }
            await #expect(throws: StreamError.closed) { try await pair.left.peerEnd() }
        }
    }

    @Test func `a wait that is cancelled or late leaves nothing, and the stream as it was`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let pair = try StreamPair(on: loop)
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(3600)) { try await pair.left.peerEnd() }
            }
            let watching = loop.spawn { try await pair.left.peerEnd() }
            try await loop.moment()
            watching.cancel()
            await #expect(throws: CancellationError.self) { try await watching.value }
            #expect(pair.left.channel.endWatchers.isEmpty)
            try await pair.right.write("x")
            #expect(try await pair.left.read() == Array("x".utf8))
        }
    }

    @Test func `from another thread it is refused`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let elsewhere = Task.detached { try await pair.left.peerEnd() }
            await #expect(throws: StreamError.wrongThread) { try await elsewhere.value }
        }
    }
}
