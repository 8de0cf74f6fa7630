import CoroTesting
import Glibc
import Testing

@testable import Coro

extension WritingOf where Sink == PipeWriter {
    static var all: [WritingOf] {
        [
            WritingOf(testDescription: "write, in small pieces", text: short, pieces: 1) { writer, text, progress in
                try await writer.flush()
                while progress.given < text.count {
                    let piece = Array(text[progress.given...].prefix(7))
                    progress.given += piece.count
                    try await writer.write(piece)
                }
            },
            WritingOf(testDescription: "write, a text", text: short, pieces: 1) { writer, text, progress in
                try await writer.flush()
                guard progress.given == 0 else { return }
                progress.given = text.count
                try await writer.write(String(decoding: text, as: UTF8.self))
            },
            WritingOf(testDescription: "write, more than a pipe holds", text: long + long + long, pieces: 5_000) {
                writer, text, progress in
                try await writer.flush()
                guard progress.given == 0 else { return }
                progress.given = text.count
                try await writer.write(text)
            },
            WritingOf(testDescription: "write, the contents of another pipe", text: short, pieces: 1) {
                writer, text, progress in
                try await writer.flush()
                let source = try pipe(on: writer.loop)
                try await source.writer.write(Array(text[progress.given...]))
                source.writer.close()
                source.reader.inject(.pieces(of: 7))
                // The source is read ahead of the writing, by what is queued and nothing else.
                let given = progress.given
                defer { progress.given = given + source.reader.channel.taken - source.reader.unread.count }
                try await writer.write(contentsOf: source.reader)
            },
        ]
    }
}

/// Every way to write a pipe, under everything that can go wrong, at every place where it can. What must hold: the
/// reader gets what was written, in order, nothing twice and without a hole, for as long as there is one.
@Suite struct PipeWriteFaultTests {
    typealias Writing = WritingOf<PipeWriter>

    /// Takes all that comes, until the end.
    private static func collect(_ reader: PipeReader, into bytes: Journal<[UInt8]>) -> EventLoop.Task<Void> {
        reader.loop.spawn {
            while let piece = try await reader.read() { bytes.note(piece) }
        }
    }

    /// Whether all that is written under `plan` arrives.
    private func arrives(_ writing: Writing, under plan: FaultPlan, on loop: EventLoop) async throws -> Bool {
        let (reader, writer) = try pipe(on: loop)
        writer.inject(plan)
        let bytes = Journal<[UInt8]>()
        let collecting = Self.collect(reader, into: bytes)
        try await writing.go(writer, writing.text, Writing.Progress())
        #expect(writer.channel.given == writing.text.count)
        writer.close()
        try await collecting.value
        return bytes.all == writing.text
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
    func `all arrives, whatever the seed, with tasks in any order`(_ writing: Writing) async throws {
        for offset in 0..<10 {
            let seed = Seed.ofProcess &+ UInt64(offset)
            try await withLoop(order: .seeded(seed)) { loop async throws in
                #expect(try await arrives(writing, under: .seeded(seed), on: loop))
            }
        }
    }

    @Test(arguments: Writing.all)
    func `all arrives, with a stall at each step`(_ writing: Writing) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            let steps = try await forEachStep(.stall, in: .pieces(of: writing.pieces)) { plan async throws in
                #expect(try await arrives(writing, under: plan, on: loop))
            }
            #expect(steps >= writing.text.count / writing.pieces)
        }
    }

    @Test(arguments: Writing.all)
    func `a reader that is gone at each step has a beginning of it`(_ writing: Writing) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            let steps = try await forEachStep(.fail(errno: EPIPE), in: .pieces(of: writing.pieces)) {
                plan async throws in
                let (reader, writer) = try pipe(on: loop)
                writer.inject(plan)
                let bytes = Journal<[UInt8]>()
                let collecting = Self.collect(reader, into: bytes)
                let broken = StreamError.broken(IOError(call: "write", code: EPIPE))
                do {
                    try await writing.go(writer, writing.text, Writing.Progress())
                    #expect(!plan.isReached)
                } catch let error as StreamError {
                    #expect(plan.isReached)
                    #expect(error == broken)
                    // A broken pipe stays broken, and says so.
                    await #expect(throws: broken) { try await writer.write("more") }
                }
                writer.close()
                await #expect(throws: StreamError.closed) { try await writer.write("more") }
                try await collecting.value
                #expect(bytes.all == Array(writing.text.prefix(writer.channel.given)))
                #expect(plan.isReached || writer.channel.given == writing.text.count)
            }
            #expect(steps >= writing.text.count / writing.pieces)
        }
    }

    enum Moment: CaseIterable { case atTheCall, asleep }

    @Test(arguments: Writing.all, Moment.allCases)
    func `a write cancelled at each step is gone on with, without a hole`(
        _ writing: Writing, _ moment: Moment
    ) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .pieces(of: writing.pieces)) { plan async throws in
                let (reader, writer) = try pipe(on: loop)
                writer.inject(plan)
                let bytes = Journal<[UInt8]>()
                let collecting = Self.collect(reader, into: bytes)
                let progress = Writing.Progress()
                let task = loop.spawn { try await writing.go(writer, writing.text, progress) }
                plan.whenReached {
                    if moment == .atTheCall { task.cancel() } else { loop.callLater(.zero) { task.cancel() } }
                }
                do {
                    try await task.value
                    #expect(!plan.isReached)
                } catch is CancellationError {
                    #expect(plan.isReached)
                    // What was given to the writer is in the pipe, or queued.
                    #expect(writer.channel.given + writer.channel.buffer.count == progress.given)
                }
                if plan.isReached { plan.release() }
                try await writing.go(writer, writing.text, progress)
                writer.close()
                try await collecting.value
                #expect(bytes.all == writing.text)
            }
        }
    }

    @Test(arguments: Writing.all, Moment.allCases)
    func `closing at each step ends the write`(_ writing: Writing, _ moment: Moment) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .pieces(of: writing.pieces)) { plan async throws in
                let (reader, writer) = try pipe(on: loop)
                writer.inject(plan)
                let bytes = Journal<[UInt8]>()
                let collecting = Self.collect(reader, into: bytes)
                plan.whenReached {
                    if moment == .atTheCall { writer.close() } else { loop.callLater(.zero) { writer.close() } }
                }
                do {
                    try await writing.go(writer, writing.text, Writing.Progress())
                    #expect(!plan.isReached)
                    writer.close()
                } catch StreamError.closed {
                    #expect(plan.isReached)
                }
                try await collecting.value
                #expect(bytes.all == Array(writing.text.prefix(writer.channel.given)))
            }
        }
    }

    @Test func `what goes through a child comes back, with faults on both of its pipes`() async throws {
        for offset in 0..<3 {
            let seed = Seed.ofProcess &+ UInt64(offset)
            try await withLoop(order: .seeded(seed)) { loop async throws in
                let child = try Subprocess("cat", on: loop, input: .pipe, output: .pipe)
                let input = try #require(child.standardInput)
                let output = try #require(child.standardOutput)
                input.inject(.seeded(seed))
                output.inject(.seeded(seed &+ 1_000))
                let text = Writing.long
                let writing = loop.spawn {
                    try await input.write(text)
                    input.close()
                }
                #expect(try await output.collect() == text)
                try await writing.value
                #expect(try await child.wait().isSuccess)
            }
        }
    }
}
