import CoroTesting
import Glibc
import Testing

@testable import Coro

/// What a stream has received: how much it keeps, what becomes of it at an end, and who may put some back.
@Suite struct StreamReadingTests {
    // MARK: Back-pressure

    @Test func `between two reads nothing is received, so a peer that is not read waits`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop, bufferBytes: 8 * 1024)
            let text = [UInt8](repeating: 7, count: 1_000_000)
            let writing = loop.spawn { try await pair.left.write(text) }
            let first = try await pair.right.read(exactly: 1)
            for _ in 0..<100 { try await loop.moment() }
            #expect(pair.left.isWriterWaiting && !writing.future.isDone)
            // What that one read brought, and no more since.
            let received = pair.right.channel.receivedTotal
            #expect(received <= 64 * 1024 && pair.right.unread.count == received - 1)
            let rest = try await pair.right.read(exactly: text.count - 1)
            try await writing.value
            #expect(first + rest == text)
        }
    }

    // MARK: Ends

    @Test func `case 47: data written just before the peer closes is readable, and then comes the end`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            let text = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try await pair.server.write(text)
            pair.server.close()
            #expect(try await pair.client.read(exactly: text.count) == text)
            #expect(try await pair.client.read() == nil)
            await #expect(throws: StreamError.ended(received: 0)) { try await pair.client.read(exactly: 1) }
        }
    }

    @Test func `case 47: what the peer wrote before it closed is readable after a write has failed`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            try await pair.right.write("last words")
            pair.right.close()
            let broken = StreamError.broken(IOError(call: "send", code: EPIPE))
            await #expect(throws: broken) { try await pair.left.write("too late") }
            #expect(try await pair.left.collect() == Array("last words".utf8))
            pair.left.close()
            #expect(pair.left.closeReason == broken)
        }
    }

    @Test func `case 56: reading to the end reports a real error instead of a part`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            pair.left.inject(.pieces(of: 4).with(.fail(errno: ETIMEDOUT), atStep: 1))
            try await pair.right.write("a part")
            let broken = StreamError.broken(IOError(call: "recv", code: ETIMEDOUT))
            await #expect(throws: broken) { try await pair.left.collect() }
            #expect(pair.left.closeReason == nil)
            pair.left.close()
            #expect(pair.left.closeReason == broken)
        }
    }

    @Test func `case 56: reading to the end reports an overflow instead of a part`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            try await pair.right.write("0123456789")
            pair.right.close()
            await #expect(throws: StreamError.limitExceeded(limit: 9)) { try await pair.left.collect(upTo: 9) }
            #expect(try await pair.left.collect(upTo: 10) == Array("0123456789".utf8))
        }
    }

    @Test func `case 56: a reset is no end, and what came before it can be had all the same`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            try await pair.server.write("all there is")
            try await pair.client.peek(atLeast: 12)
            pair.server.reset()
            let broken = StreamError.broken(IOError(call: "recv", code: ECONNRESET))
            await #expect(throws: broken) { try await pair.client.collect() }
            // Who takes a reset for an end, as Tornado does, takes this.
            #expect(try await pair.client.read() == Array("all there is".utf8))
            await #expect(throws: broken) { try await pair.client.collect() }
            pair.client.close()
            #expect(pair.client.closeReason == broken)
            await #expect(throws: StreamError.closed) { try await pair.client.collect() }
        }
    }

    @Test func `a reset that the writer met first is no end to the reader`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            pair.server.reset()
            // The kernel tells it once, and here to the writer.
            let broken = StreamError.broken(IOError(call: "send", code: ECONNRESET))
            await #expect(throws: broken) { while true { try await pair.client.write("x") } }
            await #expect(throws: broken) { try await pair.client.collect() }
        }
    }

    @Test func `the reason of a close that nothing broke is that it was closed`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            #expect(pair.left.closeReason == nil)
            pair.left.close()
            #expect(pair.left.closeReason == .closed)
            pair.right.reset()
            #expect(pair.right.closeReason == .closed)
        }
    }

    // MARK: Limits

    @Test func `case 51: 100 KB read through a 10 KB buffer, a kilobyte at a time, never overflow`() async throws {
        for plan in [FaultPlan.smooth, .pieces(of: 700), .seeded()] {
            try await withLoop { loop async throws in
                let pair = try StreamPair(on: loop)
                let (left, right) = (pair.left, pair.right)
                left.inject(plan)
                left.inputLimit = 10 * 1024
                let text = (0..<100 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
                let supplying = loop.spawn { try await right.write(text) }
                var came: [UInt8] = []
                while came.count < text.count {
                    came += try await left.read(exactly: 1024)
                    #expect(left.unread.count <= 10 * 1024)
                }
                #expect(came == text)
                try await supplying.value
            }
        }
    }

    @Test func `case 52: reading 10 MB through a 5 MB buffer pauses the writer and completes`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (left, right) = (pair.left, pair.right)
            let megabyte = 1 << 20
            left.inputLimit = 5 * megabyte
            let sent = Journal<Int>()
            let supplying = loop.spawn {
                for number in 0..<10 {
                    right.append([UInt8](repeating: UInt8(number), count: megabyte))
                    try await right.drain()
                    sent.note(number)
                }
                try await right.flush()
            }
            // Nobody reads yet: what the kernel takes is all that goes.
            for _ in 0..<100 { try await loop.moment() }
            #expect(sent.entries.isEmpty)
            // The stream keeps half of it, and the writer waits for room for the rest.
            try await left.peek(atLeast: 5 * megabyte)
            for _ in 0..<100 { try await loop.moment() }
            #expect(left.unread.count == 5 * megabyte)
            #expect(sent.entries.count >= 4 && sent.entries.count < 7)
            for number in 0..<10 {
                let piece = try await left.read(exactly: megabyte)
                #expect(piece.first == UInt8(number) && piece.last == UInt8(number))
                #expect(left.unread.count <= 5 * megabyte)
            }
            try await supplying.value
        }
    }

    @Test func `a read that needs more than the input limit is refused, and what came is still there`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            left.inputLimit = 1000
            try await pair.right.write([UInt8](repeating: 1, count: 1500))
            let refused = StreamError.limitExceeded(limit: 1000)
            await #expect(throws: refused) { try await left.read(exactly: 1001) }
            await #expect(throws: refused) { try await left.peek(atLeast: 1001) }
            await #expect(throws: refused) { try await left.read(until: 10) }
            await #expect(throws: refused) { try await left.collect() }
            #expect(left.unread.count == 1000)
            #expect(try await left.read(exactly: 1000).count == 1000)
            // Memory of the caller's does not count.
            try await pair.right.write([UInt8](repeating: 1, count: 1500))
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 2000, alignment: 1)
            defer { room.deallocate() }
            try await left.read(filling: room)
            #expect(room.allSatisfy { $0 == 1 })
        }
    }

    @Test func `case 55: reading no bytes completes at once, with nothing there and after the end`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.smooth)
            let none = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            for _ in 0..<2 {
                #expect(try await pair.left.read(atMost: 0) == [])
                #expect(try await pair.left.read(exactly: 0) == [])
                #expect(try await pair.left.read(into: none) == 0)
                try await pair.left.read(filling: none)
                #expect(try await pair.left.peek(atLeast: 0).isEmpty)
                pair.right.close()
            }
            #expect(plan.steps == 0)
        }
    }

    // MARK: Put back, and into the caller's memory

    @Test func `bytes that are put back come first, however many there were`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            try left.putBack([1, 2])
            try left.putBack([])
            try left.putBack([0])
            try await pair.right.write([3, 4])
            #expect(try await left.peek(atLeast: 5).elementsEqual([0, 1, 2, 3, 4]))
            #expect(try await left.read(exactly: 2) == [0, 1])
            // In the place of what was consumed, and beyond the block that holds it.
            try left.putBack([1])
            let much = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
            try left.putBack(much)
            #expect(try await left.read(exactly: 40_004) == much + [1, 2, 3, 4])
            left.close()
            #expect(throws: StreamError.closed) { try left.putBack([1]) }
        }
    }

    @Test func `putting back is refused while another task waits to read`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            let reading = loop.spawn { try await left.read() }
            try await loop.moment()
            #expect(throws: StreamError.busy("reading")) { try left.putBack([1]) }
            try await pair.right.write([2])
            #expect(try await reading.value == [2])
        }
    }

    @Test func `a large buffer is filled from what was received and then without a copy, with one call`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let text = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            try await pair.right.write(text)
            #expect(try await pair.left.peek(atLeast: 1)[0] == 0)
            let received = pair.left.unread.count
            let plan = pair.left.inject(.smooth)
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 60_000, alignment: 1)
            defer { room.deallocate() }
            try await pair.left.read(filling: room)
            #expect(Array(room) == text)
            #expect(received < 60_000)
            #expect(plan.steps == 1)
            #expect(pair.left.channel.input.capacity == 0)
        }
    }

    @Test func `chunks come as the peer sends them, to the end, and only when they are asked for`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            let plan = left.inject(.smooth)
            var chunks = left.chunks(atMost: 4).makeAsyncIterator()
            try await pair.right.write("123456")
            #expect(plan.steps == 0)
            #expect(try await chunks.next() == Array("1234".utf8))
            #expect(try await chunks.next() == Array("56".utf8))
            try await pair.right.write("7")
            pair.right.close()
            var rest: [[UInt8]] = []
            for try await chunk in left.chunks() { rest.append(chunk) }
            #expect(rest == [Array("7".utf8)])
        }
    }

    // MARK: Memory

    @Test func `an idle stream holds no buffer`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (left, right) = (pair.left, pair.right)
            let echoing = loop.spawn { for try await line in left.lines() { try await left.write(line + "\n") } }
            for _ in 0..<3 {
                try await right.write("a line\n")
                #expect(try await right.read(until: 10) == Array("a line\n".utf8))
                try await loop.moment()
                #expect(left.isReaderWaiting)
                for stream in [left, right] {
                    #expect(stream.channel.input.capacity == 0)
                    #expect(stream.channel.output.capacity == 0)
                    #expect(stream.channel.backlog == nil)
                }
            }
            // Nor does one that has sent by itself.
            right.append("a line\n")
            #expect(try await right.read(until: 10) == Array("a line\n".utf8))
            #expect(right.channel.output.capacity == 0)
            right.close()
            try await echoing.value
        }
    }

    @Test func `a large message leaves no large buffer behind, though the next one has begun`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (left, right) = (pair.left, pair.right)
            let message = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            let supplying = loop.spawn { try await right.write(message + [1]) }
            #expect(try await left.peek(atLeast: 1_000_001).elementsEqual(message + [1]))
            try await supplying.value
            left.consume(message.count)
            #expect(left.channel.input.capacity >= message.count)
            let reading = loop.spawn { try await left.read(exactly: 2) }
            try await loop.moment()
            #expect(left.isReaderWaiting)
            #expect(left.channel.input.capacity == BufferPool.blockBytes)
            try await right.write([2])
            #expect(try await reading.value == [1, 2])
        }
    }

    // MARK: One at a time, on the loop

    @Test func `a second reader is refused also when the first was woken and has not run yet`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            let first = loop.spawn { try await left.read(exactly: 5) }
            try await loop.moment()
            let waking = loop.spawn {
                left.channel.deliver(.readable)
                try await pair.right.write("first")
                return try await left.read()
            }
            await #expect(throws: StreamError.busy("reading")) { try await waking.value }
            #expect(try await first.value == Array("first".utf8))
        }
    }

    @Test func `from another thread every read is refused`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            try await pair.right.write("abc")
            try await left.peek(atLeast: 3)
            await Task.detached {
                let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 1)
                defer { room.deallocate() }
                await #expect(throws: StreamError.wrongThread) { try await left.fill() }
                await #expect(throws: StreamError.wrongThread) { try await left.read() }
                await #expect(throws: StreamError.wrongThread) { try await left.read(exactly: 3) }
                await #expect(throws: StreamError.wrongThread) { try await left.read(until: 97) }
                await #expect(throws: StreamError.wrongThread) { try await left.read(until: [97]) }
                await #expect(throws: StreamError.wrongThread) { try await left.peek(atLeast: 3) }
                await #expect(throws: StreamError.wrongThread) { try await left.read(into: room) }
                #expect(throws: StreamError.wrongThread) { try left.putBack([1]) }
                await #expect(throws: StreamError.wrongThread) { try await left.drain() }
                #expect(throws: StreamError.wrongThread) { try left.set(SocketOptions(noDelay: true)) }
            }.value
            #expect(try await left.read() == Array("abc".utf8))
        }
    }
}
