import Coro
import CoroTesting
import Glibc
import Testing

/// One way to write a stream.
typealias Writing = WritingOf<ByteStream>

/// One way to write, in such a way that it can be gone on with after it was interrupted.
struct WritingOf<Sink: Sendable>: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: [UInt8]
    /// The size of the pieces that the plans cut it into: large texts byte by byte would take all day.
    let pieces: Int
    /// Writes `text` from where `progress` is, and notes there what the stream has taken over.
    let go: @Sendable (Sink, [UInt8], Progress) async throws -> Void

    /// How much of the text the stream has taken over, as far as its contract says so.
    final class Progress: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): used by the tasks of one loop.
        var given = 0
    }

    static var short: [UInt8] { Array("forty bytes are enough, if sent singly.\n".utf8) }
    static var long: [UInt8] { (0..<34_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }
}

extension WritingOf where Sink == ByteStream {
    static var all: [Writing] {
        [
            Writing(testDescription: "write, in small pieces", text: short, pieces: 1) { stream, text, progress in
                try await stream.flush()
                while progress.given < text.count {
                    let piece = Array(text[progress.given...].prefix(7))
                    progress.given += piece.count
                    try await stream.write(piece)
                }
            },
            Writing(testDescription: "write, a text", text: short, pieces: 1) { stream, text, progress in
                try await stream.flush()
                guard progress.given == 0 else { return }
                progress.given = text.count
                try await stream.write(String(decoding: text, as: UTF8.self))
            },
            Writing(testDescription: "append, then flush", text: short, pieces: 1) { stream, text, progress in
                try await stream.flush()
                while progress.given < text.count {
                    for _ in 0..<2 {
                        let piece = text[progress.given...].prefix(5)
                        piece.withUnsafeBytes { stream.append($0) }
                        progress.given += piece.count
                    }
                    try await stream.flush()
                }
            },
            Writing(testDescription: "write, without copying, after what is queued", text: long, pieces: 2_000) {
                stream, text, progress in
                try await stream.flush()
                guard progress.given == 0 else { return }
                text.prefix(100).withUnsafeBytes { stream.append($0) }
                progress.given = text.count
                try await stream.write(Array(text.dropFirst(100)))
            },
            Writing(testDescription: "write, without copying, twice", text: long, pieces: 2_000) {
                stream, text, progress in
                try await stream.flush()
                while progress.given < text.count {
                    let piece = Array(text[progress.given...].prefix(17_000))
                    progress.given += piece.count
                    try await stream.write(piece)
                }
            },
            Writing(testDescription: "write, several small pieces at once", text: short, pieces: 1) {
                stream, text, progress in
                try await stream.flush()
                guard progress.given == 0 else { return }
                progress.given = text.count
                try await stream.write(pieces: [Array(text[..<7]), [], Array(text[7..<8]), Array(text[8...])])
            },
            Writing(
                testDescription: "write, many pieces without copying, after what is queued", text: long, pieces: 2_000
            ) {
                stream, text, progress in
                try await stream.flush()
                guard progress.given == 0 else { return }
                text.prefix(100).withUnsafeBytes { stream.append($0) }
                progress.given = text.count
                try await stream.write(pieces: cut(text.dropFirst(100), into: 170) + [[]])
            },
            Writing(testDescription: "append, then drain", text: short, pieces: 1) { stream, text, progress in
                stream.waterMarks = WaterMarks(low: 0, high: 0)
                try await stream.drain()
                while progress.given < text.count {
                    let piece = Array(text[progress.given...].prefix(7))
                    progress.given += piece.count
                    stream.append(piece)
                    try await stream.drain()
                }
            },
            Writing(testDescription: "write, a file, after what is queued", text: long, pieces: 2_000) {
                stream, text, progress in
                if progress.given == 0 {
                    text.prefix(100).withUnsafeBytes { stream.append($0) }
                    progress.given = 100
                }
                let file = TemporaryFile(text)
                var offset = Int64(progress.given)
                defer { progress.given = Int(offset) }
                try await stream.write(file: file.descriptor, from: &offset, upTo: Int64(text.count))
            },
        ]
    }
}

/// `bytes` in pieces of this size.
func cut(_ bytes: some Collection<UInt8>, into size: Int) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
        pieces.append(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
    }
    return pieces
}

/// A file without a name, gone when it is let go of.
final class TemporaryFile: Sendable {
    let descriptor: Int32

    init(_ bytes: [UInt8]) {
        let file = tmpfile()
        precondition(file != nil, "No temporary file: errno \(errno).")
        descriptor = dup(fileno(file))
        fclose(file)
        let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        precondition(written == bytes.count, "The temporary file is not whole: errno \(errno).")
    }

    deinit { close(descriptor) }
}

extension Journal<[UInt8]> {
    /// All that was noted, in one piece.
    var all: [UInt8] { entries.reduce(into: []) { $0 += $1 } }
}
