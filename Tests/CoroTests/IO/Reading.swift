import Coro
import CoroTesting
import Testing

/// One way to read a stream, a piece a call.
struct Reading: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether a cancel or a deadline ends the wait. (The server's hot path is woken by its owner instead.)
    var isCancellable = true
    /// The next piece; nil at the end.
    let next: @Sendable (ByteStream) async throws -> [UInt8]?

    /// What is read: a multiple of ten bytes, in lines.
    static let text = Array("a line\n\nanother, longer line\nthe last.\n\n".utf8)

    static let all = [
        Reading(testDescription: "read(atMost: 7)") { try await $0.read(atMost: 7) },
        Reading(testDescription: "read(atMost:), all there is") { try await $0.read() },
        Reading(testDescription: "read(exactly: 10)") { stream in
            try await nilAtEnd { try await stream.read(exactly: 10) }
        },
        Reading(testDescription: "read(exactly:), more than there is") { stream in
            do { return try await stream.read(exactly: 20_000) } catch StreamError.ended(let received) {
                return try await received == 0 ? nil : stream.read(exactly: received)
            }
        },
        Reading(testDescription: "read(until: newline)") { stream in
            try await nilAtEnd { try await stream.read(until: 10) }
        },
        Reading(testDescription: "read(until: two newlines)") { stream in
            try await nilAtEnd { try await stream.read(until: [10, 10]) }
        },
        Reading(testDescription: "read(into:), a small buffer") { try await read(into: 7, of: $0) },
        Reading(testDescription: "read(into:), past the stream's buffer") { try await read(into: 20_000, of: $0) },
        Reading(testDescription: "read(filling:), a small buffer") { stream in
            try await nilAtEnd { try await read(filling: 10, of: stream) }
        },
        Reading(testDescription: "read(filling:), more than there is") { stream in
            do { return try await read(filling: 20_000, of: stream) } catch StreamError.ended(let received) {
                return try await received == 0 ? nil : stream.read(exactly: received)
            }
        },
        Reading(testDescription: "peek(atLeast: 10), then consume") { stream in
            try await nilAtEnd {
                let bytes = Array(try await stream.peek(atLeast: 10).prefix(10))
                stream.consume(10)
                return bytes
            }
        },
        Reading(testDescription: "read, and put half of it back") { stream in
            guard let bytes = try await stream.read() else { return nil }
            let half = (bytes.count + 1) / 2
            try stream.putBack(Array(bytes[half...]))
            return Array(bytes[..<half])
        },
        Reading(testDescription: "chunks") { stream in
            var chunks = stream.chunks(atMost: 7).makeAsyncIterator()
            return try await chunks.next()
        },
        Reading(testDescription: "fill and consume half") { stream in
            if stream.unread.isEmpty {
                guard try await stream.fill() else { return nil }
            }
            let half = Array(stream.unread.prefix((stream.unread.count + 1) / 2))
            stream.consume(half.count)
            return half
        },
        Reading(testDescription: "fill until the end, then consume") { stream in
            while try await stream.fill() {}
            guard !stream.unread.isEmpty else { return nil }
            let rest = Array(stream.unread)
            stream.consume(rest.count)
            return rest
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

    static let cancellable = all.filter(\.isCancellable)

    /// Reads to the end, or until it throws; what came is in `bytes` either way.
    func run(_ stream: ByteStream, into bytes: Journal<UInt8>) async throws {
        while let piece = try await next(stream) {
            for byte in piece { bytes.note(byte) }
        }
    }
}

private func nilAtEnd(_ read: () async throws -> [UInt8]) async throws -> [UInt8]? {
    do { return try await read() } catch StreamError.ended(received: 0) { return nil }
}

private func read(into count: Int, of stream: ByteStream) async throws -> [UInt8]? {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { buffer.deallocate() }
    let got = try await stream.read(into: buffer)
    return got == 0 ? nil : Array(buffer[..<got])
}

private func read(filling count: Int, of stream: ByteStream) async throws -> [UInt8] {
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
                switch self {
                case .allAtOnce: try await stream.write(text)
                case .trickling:
                    for start in stride(from: 0, to: text.count, by: 3) {
                        try await stream.write(Array(text[start..<min(start + 3, text.count)]))
                        try await stream.loop.moment()
                    }
                }
                stream.finishWriting()
            } catch is StreamError {}
        }
    }
}
