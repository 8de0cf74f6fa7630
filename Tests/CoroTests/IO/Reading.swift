import Coro
import CoroTesting
import Testing

/// One way to read a stream, a piece a call.
typealias Reading = ReadingOf<ByteStream>

/// One way to read a source of bytes, a piece a call.
struct ReadingOf<Source: ByteReading>: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether a cancel or a deadline ends the wait. (The server's hot path is woken by its owner instead.)
    var isCancellable = true
    /// The next piece; nil at the end.
    let next: @Sendable (Source) async throws -> [UInt8]?

    /// What is read: a multiple of ten bytes, in lines.
    static var text: [UInt8] { Array("a line\n\nanother, longer line\nthe last.\n\n".utf8) }

    /// The ways that every source has.
    static var shared: [ReadingOf] {
        [
            ReadingOf(testDescription: "read(atMost: 7)") { try await $0.read(atMost: 7) },
            ReadingOf(testDescription: "read(atMost:), all there is") { try await $0.read() },
            ReadingOf(testDescription: "read(exactly: 10)") { stream in
                try await nilAtEnd { try await stream.read(exactly: 10) }
            },
            ReadingOf(testDescription: "read(exactly:), more than there is") { stream in
                do { return try await stream.read(exactly: 20_000) } catch StreamError.ended(let received) {
                    return try await received == 0 ? nil : stream.read(exactly: received)
                }
            },
            ReadingOf(testDescription: "read(until: newline)") { stream in
                try await nilAtEnd { try await stream.read(until: 10) }
            },
            ReadingOf(testDescription: "read(until: two newlines)") { stream in
                try await nilAtEnd { try await stream.read(until: [10, 10]) }
            },
            ReadingOf(testDescription: "read(into:), a small buffer") { try await read(into: 7, of: $0) },
            ReadingOf(testDescription: "read(into:), past the stream's buffer") {
                try await read(into: 20_000, of: $0)
            },
            ReadingOf(testDescription: "read(filling:), a small buffer") { stream in
                try await nilAtEnd { try await read(filling: 10, of: stream) }
            },
            ReadingOf(testDescription: "read(filling:), more than there is") { stream in
                do { return try await read(filling: 20_000, of: stream) } catch StreamError.ended(let received) {
                    return try await received == 0 ? nil : stream.read(exactly: received)
                }
            },
            ReadingOf(testDescription: "peek(atLeast: 10), then consume") { stream in
                try await nilAtEnd {
                    let bytes = Array(try await stream.peek(atLeast: 10).prefix(10))
                    stream.consume(10)
                    return bytes
                }
            },
            ReadingOf(testDescription: "chunks") { stream in
                var chunks = stream.chunks(atMost: 7).makeAsyncIterator()
                return try await chunks.next()
            },
            ReadingOf(testDescription: "fill and consume half") { stream in
                if stream.unread.isEmpty {
                    guard try await stream.fill() else { return nil }
                }
                let half = Array(stream.unread.prefix((stream.unread.count + 1) / 2))
                stream.consume(half.count)
                return half
            },
            ReadingOf(testDescription: "fill until the end, then consume") { stream in
                while try await stream.fill() {}
                guard !stream.unread.isEmpty else { return nil }
                let rest = Array(stream.unread)
                stream.consume(rest.count)
                return rest
            },
            ReadingOf(testDescription: "collect") { stream in
                let all = try await stream.collect()
                return all.isEmpty ? nil : all
            },
        ]
    }

    /// Reads to the end, or until it throws; what came is in `bytes` either way.
    func run(_ stream: Source, into bytes: Journal<UInt8>) async throws {
        while let piece = try await next(stream) {
            for byte in piece { bytes.note(byte) }
        }
    }
}

extension ReadingOf where Source == ByteStream {
    static var all: [Reading] {
        shared + [
            Reading(testDescription: "read, and put half of it back") { stream in
                guard let bytes = try await stream.read() else { return nil }
                let half = (bytes.count + 1) / 2
                try stream.putBack(Array(bytes[half...]))
                return Array(bytes[..<half])
            },
            Reading(testDescription: "receiveNow", isCancellable: false) { stream in
                while true {
                    switch stream.receiveNow() {
                    case .moved:
                        let piece = Array(stream.unread)
                        stream.consume(piece.count)
                        return piece
                    case .end: return nil
                    case .wouldBlock: await withUnsafeContinuation { stream.resumeWhenReadableOrWoken($0) }
                    case .failed(let error): throw error
                    }
                }
            },
        ]
    }

    static var cancellable: [Reading] { all.filter(\.isCancellable) }
}

private func nilAtEnd(_ read: () async throws -> [UInt8]) async throws -> [UInt8]? {
    do { return try await read() } catch StreamError.ended(received: 0) { return nil }
}

private func read(into count: Int, of stream: some ByteReading) async throws -> [UInt8]? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { buffer.deallocate() }
    let got = try await stream.read(into: buffer)
    return got == 0 ? nil : Array(buffer[..<got])
}

private func read(filling count: Int, of stream: some ByteReading) async throws -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { buffer.deallocate() }
    try await stream.read(filling: buffer)
    return Array(buffer)
}

/// How the peer sends.
enum Supply: CaseIterable, Sendable {
    case allAtOnce, trickling

    /// Sends `text` and FIN. A peer whose other end is gone gives up.
    func start(_ text: [UInt8], on stream: ByteStream) -> EventLoop.Task<Void> {
        stream.loop.spawn {
            do {
                try await send(text, on: stream.loop) { try await stream.write($0) }
                stream.finishWriting()
            } catch is StreamError {}
        }
    }

    /// Writes `text` and closes the pipe. A writer whose reader is gone gives up.
    func start(_ text: [UInt8], on pipe: PipeWriter) -> EventLoop.Task<Void> {
        pipe.loop.spawn {
            do { try await send(text, on: pipe.loop) { try await pipe.write($0) } } catch is StreamError {}
            pipe.close()
        }
    }

    private func send(
        _ text: [UInt8], on loop: EventLoop, _ write: ([UInt8]) async throws -> Void
    ) async throws {
        switch self {
        case .allAtOnce: try await write(text)
        case .trickling:
            for piece in cut(text, into: 3) {
                try await write(piece)
                try await loop.moment()
            }
        }
    }
}
