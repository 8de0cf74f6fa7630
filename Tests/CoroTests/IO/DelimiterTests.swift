import CoroTesting
import Testing

@testable import Coro

@Suite struct DelimiterSearchTests {
    /// Where the first delimiter ends, found the slow way.
    private static func firstEnd(of delimiter: [UInt8], in text: [UInt8]) -> Int? {
        guard text.count >= delimiter.count else { return nil }
        return (delimiter.count...text.count).first { text[..<$0].suffix(delimiter.count).elementsEqual(delimiter) }
    }

    @Test func `a delimiter is found where it is, in whatever pieces the text arrives`() {
        var chance = SeededGenerator(seed: Seed.ofProcess)
        for _ in 0..<2_000 {
            // Two letters only, so that beginnings of the delimiter are everywhere.
            let delimiter = (0...chance.next(below: 5)).map { _ in UInt8(chance.next(below: 2)) }
            let text = (0..<chance.next(below: 40)).map { _ in UInt8(chance.next(below: 2)) }
            var search = DelimiterSearch(delimiter)
            var found: Int?
            var arrived = 0
            while found == nil, arrived < text.count {
                arrived = min(text.count, arrived + 1 + chance.next(below: 4))
                found = text[..<arrived].withUnsafeBytes { search.end(in: $0) }
            }
            #expect(found == Self.firstEnd(of: delimiter, in: text), "\(delimiter) in \(text)")
        }
    }

    @Test func `looking again at the same bytes finds nothing new`() {
        var search = DelimiterSearch(Array("\r\n\r\n".utf8))
        let text = Array("head\r\n\r".utf8)
        #expect(text.withUnsafeBytes { search.end(in: $0) } == nil)
        #expect(text.withUnsafeBytes { search.end(in: $0) } == nil)
        #expect((text + [10]).withUnsafeBytes { search.end(in: $0) } == 8)
    }
}

/// Reading up to a delimiter, of one byte and of several.
@Suite struct DelimiterTests {
    /// The two forms: up to a newline, and up to an empty line.
    enum Form: CaseIterable {
        case byte, bytes

        var delimiter: [UInt8] { self == .byte ? [10] : Array("\r\n\r\n".utf8) }

        func read(_ stream: ByteStream, limit: Int = 64 * 1024) async throws -> [UInt8] {
            switch self {
            case .byte: try await stream.read(until: 10, limit: limit)
            case .bytes: try await stream.read(until: delimiter, limit: limit)
            }
        }
    }

    @Test(arguments: Form.allCases)
    func `case 48: a delimiter beyond the limit is refused, also when it is in the same packet, and nothing is lost`(
        _ form: Form
    ) async throws {
        try await withLoop { loop async throws in
            let text = Array("0123456789".utf8) + form.delimiter
            for plan in [FaultPlan.smooth, .oneByteAtATime, .pieces(of: 7)] {
                let pair = try StreamPair(on: loop)
                pair.left.inject(plan)
                try await pair.right.write(text + Array("more".utf8))
                for limit in [1, 10, text.count - 1] {
                    await #expect(throws: StreamError.limitExceeded(limit: limit)) {
                        try await form.read(pair.left, limit: limit)
                    }
                }
                // Whoever takes it for an attack closes; the stream leaves that to him.
                #expect(pair.left.isOpen)
                #expect(try await form.read(pair.left, limit: text.count) == text)
                #expect(try await pair.left.read(exactly: 4) == Array("more".utf8))
            }
        }
    }

    @Test(arguments: Form.allCases)
    func `case 48: a limit without any delimiter is refused as soon as it is reached`(_ form: Form) async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (left, right) = (pair.left, pair.right)
            let supplying = loop.spawn {
                do { while true { try await right.write([UInt8](repeating: 120, count: 50)) } } catch is StreamError {}
            }
            await #expect(throws: StreamError.limitExceeded(limit: 100)) { try await form.read(left, limit: 100) }
            left.close()
            try await supplying.value
        }
    }

    /// What reading a line of so many bytes costs this thread, in nanoseconds; the least of a few tries.
    private func cost(of count: Int, _ text: [UInt8], until delimiter: [UInt8]) async throws -> Int64 {
        try await withLoop { loop async throws in
            var least = Int64.max
            for _ in 0..<3 {
                let pair = try StreamPair(on: loop)
                let (left, right) = (pair.left, pair.right)
                let supplying = loop.spawn {
                    for _ in 0..<count / text.count { try await right.write(text) }
                    try await right.write(delimiter)
                }
                let start = threadTime()
                let line =
                    delimiter.count == 1
                    ? try await left.read(until: delimiter[0], limit: .max)
                    : try await left.read(until: delimiter, limit: .max)
                least = min(least, threadTime() - start)
                #expect(line.count == count / text.count * text.count + delimiter.count)
                try await supplying.value
            }
            return least
        }
    }

    @Test(arguments: [
        ("x", "\n"),
        ("x", "\r\n\r\n"),
        // Every piece ends in what could be a beginning of it.
        ("\r\n", "\r\n\r\r"),
    ])
    func `case 49: reading four megabytes up to a delimiter takes linear time`(
        _ filling: String, _ delimiter: String
    ) async throws {
        let text = Array(String(repeating: filling, count: 32 * 1024).utf8)
        // Quadratic would be 16 times as much, always; a busy machine makes any of them longer, now and then.
        var (one, four) = (Int64.max, Int64.max)
        for _ in 0..<10 {
            one = min(one, try await cost(of: 1 << 20, text, until: Array(delimiter.utf8)))
            four = min(four, try await cost(of: 4 << 20, text, until: Array(delimiter.utf8)))
            if four / 9 < one { break }
        }
        #expect(four / 9 < one, "1 MiB took \(one) ns, 4 MiB took \(four) ns")
    }

    @Test(arguments: Form.allCases)
    func `case 50: a delimiter in a second, smaller packet together with the end completes the read`(
        _ form: Form
    ) async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            let first = Array("a".utf8) + form.delimiter.dropLast()
            let reading = loop.spawn { try await form.read(pair.client) }
            try await pair.server.write(first)
            while pair.client.receivedTotal < first.count { try await loop.moment() }
            try await pair.server.write([form.delimiter.last ?? 0])
            pair.server.close()
            #expect(try await reading.value == first + [form.delimiter.last ?? 0])
            #expect(try await pair.client.read() == nil)
        }
    }

    @Test func `a delimiter that the end comes before is missed, and what came is still there`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            try await pair.right.write("head\r\n\r")
            pair.right.finishWriting()
            await #expect(throws: StreamError.ended(received: 7)) {
                try await pair.left.read(until: Array("\r\n\r\n".utf8))
            }
            #expect(try await pair.left.collect() == Array("head\r\n\r".utf8))
        }
    }
}
