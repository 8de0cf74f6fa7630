import CoroTesting
import Glibc
import Testing

@testable import Coro

/// What is written without a task that waits for it, what waits for a slow peer, and several pieces at once.
@Suite struct StreamWritingTests {
    // MARK: By itself

    @Test func `what one iteration appends goes out in the next, with one system call`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.smooth)
            pair.left.append("one, ")
            pair.left.append("two, ")
            pair.left.append(Array("three".utf8))
            #expect(plan.steps == 0)
            #expect(pair.left.unsentCount == 15)
            try await loop.moment()
            try await loop.moment()
            #expect(pair.left.unsentCount == 0)
            #expect(plan.steps == 1)
            #expect(try await pair.right.read() == Array("one, two, three".utf8))
        }
    }

    @Test func `what was appended goes with a write that comes first`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.smooth)
            pair.left.append("appended, ")
            try await pair.left.write("written")
            for _ in 0..<3 { try await loop.moment() }
            #expect(plan.steps == 1)
            #expect(try await pair.right.read() == Array("appended, written".utf8))
        }
    }

    @Test func `what the kernel has no room for follows by itself, whatever the faults`() async throws {
        let text = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        for plan in [FaultPlan.smooth, .pieces(of: 3_000), .stallBeforeEachStep(times: 2), .seeded()] {
            try await withLoop { loop async throws in
                let pair = try StreamPair(on: loop, bufferBytes: 8 * 1024)
                pair.left.inject(plan)
                for piece in cut(text, into: 10_000) { pair.left.append(piece) }
                pair.left.finishWriting()
                #expect(try await pair.right.collect() == text)
                #expect(pair.left.unsentCount == 0)
            }
        }
    }

    @Test func `what a cancelled write leaves goes out by itself`() async throws {
        try await withLoop { loop async throws in
            for count in [1_000, 400_000] {
                let pair = try StreamPair(on: loop, bufferBytes: 8 * 1024)
                let left = pair.left
                let filling = [UInt8](repeating: 0, count: 400_000)
                left.append(filling)
                let text = [UInt8](repeating: 1, count: count)
                let writing = loop.spawn { try await left.write(text) }
                while !left.isWriterWaiting { try await loop.moment() }
                writing.cancel()
                await #expect(throws: CancellationError.self) { try await writing.value }
                left.append("!")
                left.finishWriting()
                #expect(try await pair.right.collect() == filling + text + [33])
                #expect(left.unsentCount == 0)
            }
        }
    }

    @Test func `appended while another task writes, bytes come behind its own`() async throws {
        let text = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let steps = try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .pieces(of: 2_000)) { plan async throws in
                let pair = try StreamPair(on: loop)
                let (left, right) = (pair.left, pair.right)
                left.inject(plan)
                let collecting = loop.spawn { try await right.collect() }
                let writing = loop.spawn { try await left.write(text) }
                plan.whenReached {
                    left.append("and then ")
                    loop.callLater(.zero) {
                        left.append("the end")
                        left.finishWriting()
                        plan.release()
                    }
                }
                try await writing.value
                guard plan.isReached else {
                    left.finishWriting()
                    #expect(try await collecting.value == text)
                    return
                }
                #expect(try await collecting.value == text + Array("and then the end".utf8))
                #expect(left.unsentCount == 0)
            }
        }
        #expect(steps > 15)
    }

    @Test func `appended while a file is sent, bytes come behind it, and a flush meanwhile is refused`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            let plan = left.inject(.pieces(of: 3).with(.hang, atStep: 1))
            let file = TemporaryFile(Array("ten bytes!".utf8))
            let writing = loop.spawn { try await left.write(file: file.descriptor, count: 10) }
            while !plan.isReached { try await loop.moment() }
            left.append(" And more.")
            await #expect(throws: StreamError.busy("writing")) { try await left.flush() }
            #expect(left.unsentCount == 10)
            plan.release()
            try await writing.value
            #expect(try await pair.right.read(exactly: 20) == Array("ten bytes! And more.".utf8))
        }
    }

    @Test func `from another thread bytes are handed to the loop, in order`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            await Task.detached {
                left.append("from ")
                Array("else".utf8).withUnsafeBytes { left.append($0) }
                left.append(Array("where".utf8))
                left.finishWriting()
            }.value
            #expect(try await pair.right.collect() == Array("from elsewhere".utf8))
            left.close()
            await Task.detached { left.append("late") }.value
            left.append("late")
            #expect(left.unsentCount == 0)
        }
    }

    @Test func `a write ends when its own bytes have gone, though others go on appending`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop, bufferBytes: 8 * 1024)
            let (left, right) = (pair.left, pair.right)
            let appending = loop.spawn {
                while left.isOpen {
                    left.append([UInt8](repeating: 0, count: 10_000))
                    try await left.drain()
                }
            }
            let reading = loop.spawn { while try await right.read() != nil {} }
            for _ in 0..<20 { try await left.write([UInt8](repeating: 1, count: 30_000)) }
            left.close()
            await #expect(throws: StreamError.closed) { try await appending.value }
            try await reading.value
        }
    }

    @Test func `what is prepared in place on a closed stream is let go of`() async throws {
        try await withLoop { loop async throws in
            for flushesNow in [true, false] {
                let pair = try StreamPair(on: loop)
                pair.left.close()
                pair.left.reserveOutput(4).copyBytes(from: "late".utf8)
                pair.left.commitOutput(4)
                if flushesNow {
                    #expect({ if case .failed(.closed) = pair.left.flushNow() { true } else { false } }())
                } else {
                    await #expect(throws: StreamError.closed) { try await pair.left.flush() }
                }
                #expect(pair.left.channel.output.capacity == 0)
            }
        }
    }

    // MARK: Draining

    @Test func `drain waits above the high mark and goes on at the low one`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop, bufferBytes: 4 * 1024)
            let left = pair.left
            #expect(left.waterMarks == WaterMarks(low: 16 * 1024, high: 64 * 1024))
            left.waterMarks = WaterMarks(low: 10_000, high: 100_000)
            left.append([UInt8](repeating: 0, count: 100_000))
            // At the mark, not above it: no wait, and nothing has been sent.
            try await left.drain()
            #expect(left.unsentCount == 100_000)
            left.append([UInt8](repeating: 0, count: 100_000))
            let draining = (0..<3).map { _ in
                loop.spawn {
                    try await left.drain()
                    return left.unsentCount
                }
            }
            var taken = 0
            while !draining[0].future.isDone {
                taken += try await pair.right.read()?.count ?? 0
                try await loop.moment()
            }
            for task in draining { #expect(try await task.value <= 10_000) }
            #expect(taken > 100_000)
        }
    }

    @Test func `a drain that is cancelled or times out leaves the bytes on their way`() async throws {
        let clock = ManualClock(whenIdle: .jumps)
        try await withLoop(clock: clock) { loop async throws in
            let pair = try StreamPair(on: loop, bufferBytes: 4 * 1024)
            let left = pair.left
            left.append([UInt8](repeating: 7, count: 200_000))
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { try await left.drain() }
            }
            let draining = loop.spawn { try await left.drain() }
            try await loop.moment()
            draining.cancel()
            await #expect(throws: CancellationError.self) { try await draining.value }
            left.finishWriting()
            #expect(try await pair.right.collect().count == 200_000)
            #expect(left.unsentCount == 0)
        }
    }

    @Test func `whoever drains is told that the connection broke, or was closed`() async throws {
        try await withLoop { loop async throws in
            for closes in [true, false] {
                let pair = try StreamPair(on: loop, bufferBytes: 4 * 1024)
                let (left, right) = (pair.left, pair.right)
                left.append([UInt8](repeating: 7, count: 200_000))
                let draining = loop.spawn { try await left.drain() }
                for _ in 0..<3 { try await loop.moment() }
                if closes { left.close() } else { right.close() }
                let error = closes ? StreamError.closed : .broken(IOError(call: "send", code: EPIPE))
                await #expect(throws: error) { try await draining.value }
                await #expect(throws: error) { try await left.drain() }
                left.close()
                #expect(left.closeReason == error)
            }
        }
    }

    // MARK: Many writers

    @Test func `a second writer is refused, not the first, also when that was woken and has not run`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let left = pair.left
            let plan = left.inject(.smooth.with(.hang, atStep: 0))
            let first = loop.spawn { try await left.write("first") }
            try await loop.moment()
            #expect(left.isWriterWaiting)
            let second = loop.spawn {
                plan.release()
                left.channel.deliver(.writable)
                try await left.write("second")
            }
            await #expect(throws: StreamError.busy("writing")) { try await second.value }
            try await first.value
            left.finishWriting()
            #expect(try await pair.right.collect() == Array("first".utf8))
        }
    }

    /// Ten producers write a thousand pieces each; whether every piece arrives whole.
    private func produce(_ write: @escaping @Sendable (ByteStream, [UInt8]) async throws -> Void, on loop: EventLoop)
        async throws
    {
        let pair = try StreamPair(on: loop)
        let (left, right) = (pair.left, pair.right)
        let pieces = (0..<10).map { [UInt8](repeating: UInt8($0), count: 5_000) }
        let producing = pieces.map { piece in
            loop.spawn { for _ in 0..<1_000 { try await write(left, piece) } }
        }
        let ending = loop.spawn {
            for producer in producing { try await producer.value }
            left.finishWriting()
        }
        var counts = [Int](repeating: 0, count: 10)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 5_000, alignment: 1)
        defer { room.deallocate() }
        let start = try #require(room.baseAddress)
        for _ in 0..<10_000 {
            try await right.read(filling: room)
            let number = Int(room[0])
            counts[number] += 1
            if memcmp(start, pieces[number], 5_000) != 0 { Issue.record("a piece was torn") }
        }
        #expect(counts == [Int](repeating: 1_000, count: 10))
        #expect(try await right.read() == nil)
        try await ending.value
    }

    @Test func `case 54: every one of ten producers' writes, taking turns by a lock, resolves`() async throws {
        try await withLoop(seconds: 300) { loop async throws in
            let lock = Lock(on: loop)
            try await produce({ stream, piece in try await lock.withLock { try await stream.write(piece) } }, on: loop)
        }
    }

    @Test func `case 54: ten producers append and drain as they like, and every piece arrives whole`() async throws {
        try await withLoop(seconds: 300) { loop async throws in
            let most = Journal<Int>()
            try await produce(
                { stream, piece in
                    stream.append(piece)
                    if stream.unsentCount > most.entries.last ?? 0 { most.note(stream.unsentCount) }
                    try await stream.drain()
                }, on: loop)
            // The high mark, and a piece of each.
            #expect(most.entries.last ?? 0 <= 64 * 1024 + 10 * 5_000)
        }
    }

    @Test func `case 53: what is to be written before a connection is there is written as soon as it is`() async throws
    {
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let order = Journal<String>()
            let address = listener.address
            let client = loop.spawn {
                let stream = try await Connector(loop: loop).connect(to: address)
                order.note("connected")
                try await stream.write("hello")
                order.note("written")
                return stream
            }
            // The caller goes on before the connection is there, with the write decided upon.
            #expect(order.entries.isEmpty)
            let server = try #require(try await listener.accept())
            #expect(try await server.read(exactly: 5) == Array("hello".utf8))
            _ = try await client.value
            #expect(order.entries == ["connected", "written"])
        }
    }

    @Test func `case 55: writing no bytes completes at once`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.smooth)
            let none: [UInt8] = []
            try await pair.left.write(none)
            try await pair.left.write("")
            try await pair.left.write(pieces: [none, none])
            try await pair.left.write(pieces: [])
            pair.left.append(none)
            try await pair.left.flush()
            try await pair.left.drain()
            try await loop.moment()
            #expect(plan.steps == 0)
            pair.left.close()
            await #expect(throws: StreamError.closed) { try await pair.left.write(none) }
            await #expect(throws: StreamError.closed) { try await pair.left.write(pieces: [none]) }
        }
    }

    // MARK: Pieces

    @Test func `several large pieces and what is queued go out with one system call`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.smooth)
            let pieces = (1...5).map { [UInt8](repeating: UInt8($0), count: 10_000) }
            pair.left.append("queued")
            try await pair.left.write(pieces: pieces)
            #expect(plan.steps == 1)
            #expect(try await pair.right.read(exactly: 50_006) == Array("queued".utf8) + pieces.joined())
        }
    }

    @Test func `more pieces than one call takes go out in order`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (left, right) = (pair.left, pair.right)
            let plan = left.inject(.smooth)
            let text = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let writing = loop.spawn {
                try await left.write(pieces: cut(text, into: 25))
                left.finishWriting()
            }
            #expect(try await right.collect() == text)
            try await writing.value
            // 4 000 pieces, 64 a call.
            #expect(plan.steps >= 63 && plan.steps < 100)
        }
    }

    @Test func `the end follows what is queued`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop, bufferBytes: 4 * 1024)
            pair.left.append([UInt8](repeating: 1, count: 100_000))
            pair.left.finishWriting()
            pair.left.finishWriting()
            #expect(try await pair.right.collect().count == 100_000)
            try await pair.right.write("still here")
            #expect(try await pair.left.read() == Array("still here".utf8))
            await #expect(throws: StreamError.broken(IOError(call: "send", code: EPIPE))) {
                try await pair.left.write("too late")
            }
        }
    }
}
