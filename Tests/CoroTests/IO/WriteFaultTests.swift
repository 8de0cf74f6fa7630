import Coro
import CoroTesting
import Glibc
import Testing

/// Every way to write, under everything that can go wrong, at every place where it can. What must hold: the peer gets
/// what was written, in order, nothing twice and without a hole, for as long as there is a connection.
@Suite struct WriteFaultTests {
    /// Takes all the peer sends, until its end.
    private static func collect(_ stream: ByteStream, into bytes: Journal<[UInt8]>) -> EventLoop.Task<Void> {
        stream.loop.spawn {
            do {
                while let piece = try await stream.read() { bytes.note(piece) }
            } catch is StreamError {}
        }
    }

    /// Whether all that is written under `plan` arrives.
    private func arrives(_ writing: Writing, under plan: FaultPlan, on loop: EventLoop) async throws -> Bool {
        let pair = try StreamPair(on: loop, bufferBytes: 8 * 1024)
        pair.left.inject(plan)
        let bytes = Journal<[UInt8]>()
        let collecting = Self.collect(pair.right, into: bytes)
        try await writing.go(pair.left, writing.text, Writing.Progress())
        #expect(pair.left.unsentCount == 0)
        pair.left.finishWriting()
        try await collecting.value
        return bytes.all == writing.text
    }

    @Test(arguments: Writing.all)
    func `all arrives, against back-pressure`(_ writing: Writing) async throws {
        try await withLoop { loop async throws in
            #expect(try await arrives(writing, under: .smooth, on: loop))
        }
    }

    @Test(arguments: Writing.all)
    func `all arrives, in small pieces`(_ writing: Writing) async throws {
        try await withLoop { loop async throws in
            #expect(try await arrives(writing, under: .pieces(of: writing.pieces), on: loop))
        }
    }

    @Test(arguments: Writing.all)
    func `all arrives, in a storm of stalls`(_ writing: Writing) async throws {
        try await withLoop { loop async throws in
            #expect(try await arrives(writing, under: .stallBeforeEachStep(times: 2), on: loop))
        }
    }

    @Test(arguments: Writing.all)
    func `all arrives, whatever the seed`(_ writing: Writing) async throws {
        try await withLoop { loop async throws in
            for offset in 0..<10 {
                let plan = FaultPlan.seeded(Seed.ofProcess &+ UInt64(offset))
                #expect(try await arrives(writing, under: plan, on: loop), "\(plan)")
            }
        }
    }

    @Test(arguments: Writing.all)
    func `all arrives, with a stall at each step`(_ writing: Writing) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.stall, in: .pieces(of: writing.pieces)) { plan async throws in
                #expect(try await arrives(writing, under: plan, on: loop))
            }
        }
    }

    @Test(arguments: Writing.all, [ECONNRESET, EPIPE, ETIMEDOUT])
    func `a broken connection at each step: the peer has a beginning of it`(
        _ writing: Writing, _ code: Int32
    ) async throws {
        let steps = try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.fail(errno: code), in: .pieces(of: writing.pieces)) { plan async throws in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let bytes = Journal<[UInt8]>()
                let collecting = Self.collect(pair.right, into: bytes)
                do {
                    try await writing.go(pair.left, writing.text, Writing.Progress())
                    #expect(!plan.isReached)
                    pair.left.finishWriting()
                } catch StreamError.broken(let error) {
                    #expect(plan.isReached)
                    #expect(error.code == code)
                    // A broken stream stays broken, and says so.
                    await #expect(throws: StreamError.self) { try await pair.left.write("more") }
                    pair.left.close()
                    await #expect(throws: StreamError.closed) { try await pair.left.write("more") }
                }
                try await collecting.value
                let arrived = bytes.all
                #expect(arrived == Array(writing.text.prefix(arrived.count)))
                #expect(plan.isReached || arrived.count == writing.text.count)
            }
        }
        #expect(steps > 5)
    }

    enum Moment: CaseIterable { case atTheCall, asleep }

    @Test(arguments: Writing.all, Moment.allCases)
    func `a write cancelled at each step is gone on with, without a hole`(
        _ writing: Writing, _ moment: Moment
    ) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .pieces(of: writing.pieces)) { plan async throws in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let bytes = Journal<[UInt8]>()
                let collecting = Self.collect(pair.right, into: bytes)
                let progress = Writing.Progress()
                let task = loop.spawn { try await writing.go(pair.left, writing.text, progress) }
                plan.whenReached {
                    if moment == .atTheCall { task.cancel() } else { loop.callLater(.zero) { task.cancel() } }
                }
                do {
                    try await task.value
                    #expect(!plan.isReached)
                } catch is CancellationError {
                    #expect(plan.isReached)
                }
                if plan.isReached { plan.release() }
                try await writing.go(pair.left, writing.text, progress)
                pair.left.finishWriting()
                try await collecting.value
                #expect(bytes.all == writing.text)
            }
        }
    }

    @Test(arguments: Writing.all)
    func `a write that times out at each step is gone on with, without a hole`(_ writing: Writing) async throws {
        try await forEachStep(.hang, in: .pieces(of: writing.pieces)) { plan async throws in
            let clock = ManualClock(whenIdle: .jumps)
            try await withLoop(clock: clock) { loop in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let bytes = Journal<[UInt8]>()
                let collecting = Self.collect(pair.right, into: bytes)
                let progress = Writing.Progress()
                do {
                    try await loop.withTimeout(.seconds(60)) {
                        try await writing.go(pair.left, writing.text, progress)
                    }
                    #expect(!plan.isReached)
                } catch is TimeoutError {
                    #expect(plan.isReached)
                }
                if plan.isReached { plan.release() }
                try await writing.go(pair.left, writing.text, progress)
                pair.left.finishWriting()
                try await collecting.value
                #expect(bytes.all == writing.text)
            }
        }
    }

    @Test(arguments: Writing.all)
    func `closing at each step ends the write`(_ writing: Writing) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .pieces(of: writing.pieces)) { plan async throws in
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                let bytes = Journal<[UInt8]>()
                let collecting = Self.collect(pair.right, into: bytes)
                plan.whenReached { loop.callLater(.zero) { pair.left.close() } }
                do {
                    try await writing.go(pair.left, writing.text, Writing.Progress())
                    #expect(!plan.isReached)
                    pair.left.close()
                } catch StreamError.closed {
                    #expect(plan.isReached)
                }
                try await collecting.value
                let arrived = bytes.all
                #expect(arrived == Array(writing.text.prefix(arrived.count)))
            }
        }
    }

    @Test func `a second writer is refused before its bytes come between the first one's`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let plan = pair.left.inject(.pieces(of: 1_500).with(.hang, atStep: 3))
            let bytes = Journal<[UInt8]>()
            let collecting = Self.collect(pair.right, into: bytes)
            let text = [UInt8](repeating: 1, count: 40_000)
            let left = pair.left
            let first = loop.spawn { try await left.write(text) }
            while !plan.isReached { try await loop.moment() }
            try await loop.moment()
            await #expect(throws: StreamError.busy("writing")) { try await left.write("in between") }
            plan.release()
            try await first.value
            left.finishWriting()
            try await collecting.value
            #expect(bytes.all == text)
        }
    }

    @Test func `a file that cannot be read has not broken the connection`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let unreadable = open("/dev/null", O_WRONLY | O_CLOEXEC)
            defer { close(unreadable) }
            await #expect(throws: StreamError.broken(IOError(call: "sendfile", code: EBADF))) {
                try await pair.left.write(file: unreadable, count: 10)
            }
            try await pair.left.drain()
            try await pair.left.write("all the same")
            #expect(try await pair.right.read() == Array("all the same".utf8))
            pair.right.close()
            #expect(try await pair.left.read() == nil)
            pair.left.close()
            #expect(pair.left.closeReason == .closed)
        }
    }

    @Test func `a file that is shorter than it should be is told, with what was sent`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            pair.left.inject(.pieces(of: 3))
            let file = TemporaryFile(Array("ten bytes!".utf8))
            await #expect(throws: StreamError.ended(received: 10)) {
                try await pair.left.write(file: file.descriptor, count: 11)
            }
            #expect(try await pair.right.read(exactly: 10) == Array("ten bytes!".utf8))
        }
    }
}
