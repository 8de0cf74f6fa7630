import Coro
import CoroTesting
import Testing

@testable import Http

@Suite struct IncomingBodyTests {
    @Test func `a body with a length ends with its last byte, and leaves the next message alone`() async throws {
        try await withLoop { loop in
            let (peer, stream) = try streamPair(on: loop)
            try await peer.write("hellonext")
            let body = IncomingBody(stream: stream, framing: .length(5))
            #expect(body.length == 5)
            #expect(try await body.next() == Array("hello".utf8))
            #expect(body.isEnded)
            #expect(try await body.next() == nil)
            #expect(try await stream.read() == Array("next".utf8))
        }
    }

    @Test func `chunks that are here together come in one piece, and trailers with the end`() async throws {
        try await withLoop { loop in
            let (peer, stream) = try streamPair(on: loop)
            try await peer.write("1\r\na\r\n2\r\nbc\r\n0\r\nX: y\r\n\r\nnext")
            let body = IncomingBody(stream: stream, framing: .chunked)
            #expect(body.length == nil)
            #expect(try await body.next() == Array("abc".utf8))
            #expect(body.isEnded)
            #expect(body.trailers["x"] == "y")
            #expect(try await stream.read() == Array("next".utf8))
        }
    }

    @Test
    func `RFC 9112 §8: the peer's end inside a body is an error, each time, and the end of a body until close is none`()
        async throws
    {
        try await withLoop { loop in
            for framing in [Framing.length(9), .chunked, .untilClose] {
                let (peer, stream) = try streamPair(on: loop)
                try await peer.write("4\r\nfour")
                peer.close()
                let body = IncomingBody(stream: stream, framing: framing)
                if framing == .untilClose {
                    #expect(try await body.text() == "4\r\nfour")
                } else {
                    for _ in 1...2 {
                        await #expect(throws: BodyError.self) { try await body.collect() }
                    }
                    #expect(body.hasFailed)
                }
            }
        }
    }

    @Test func `a cancelled read has not happened, and neither has one past its deadline`() async throws {
        try await withLoop { loop in
            let (peer, stream) = try streamPair(on: loop)
            let body = IncomingBody(stream: stream, framing: .length(5))
            let reading = loop.spawn { try await body.next() }
            try await loop.moment()
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.milliseconds(1)) { try await body.next() }
            }
            try await peer.write("hello")
            #expect(try await body.text() == "hello")
        }
    }

    @Test func `collecting refuses a declared length over the limit before reading, and chunks when they pass it`()
        async throws
    {
        try await withLoop { loop in
            let (peer, stream) = try streamPair(on: loop)
            let declared = IncomingBody(stream: stream, framing: .length(1 << 62))
            await #expect(throws: BodyError.tooLarge(limit: 10)) { try await declared.collect(upTo: 10) }
            try await peer.write("6\r\nsixsix\r\n6\r\nsixsix\r\n0\r\n\r\n")
            let chunked = IncomingBody(stream: stream, framing: .chunked)
            await #expect(throws: BodyError.tooLarge(limit: 10)) { try await chunked.collect(upTo: 10) }
        }
    }

    @Test func `what is queued is sent before a read waits`() async throws {
        try await withLoop { loop in
            let (peer, stream) = try streamPair(on: loop)
            let body = IncomingBody(stream: stream, framing: .length(2))
            stream.append("go on")
            let reading = loop.spawn { try await body.text() }
            #expect(try await peer.read() == Array("go on".utf8))
            try await peer.write("ok")
            #expect(try await reading.value == "ok")
        }
    }

    @Test func `a read beside a write does not take its place, woken by the same event`() async throws {
        try await withLoop { loop in
            let (peer, stream) = try streamPair(on: loop)
            let answer = [UInt8](repeating: 7, count: 4_000_000)
            let writing = loop.spawn {
                stream.append(answer)
                try await stream.flush()
            }
            let body = IncomingBody(stream: stream, framing: .length(4))
            let reading = loop.spawn { try await body.text() }
            while !stream.isWriterWaiting || !stream.isReaderWaiting { try await loop.moment() }
            // Bytes for the one and room for the other come without an iteration between them.
            try await peer.write("ab")
            var came = try await peer.read(exactly: 400_000)
            for _ in 0..<3 { try await loop.moment() }
            try await peer.write("cd")
            #expect(try await reading.value == "abcd")
            came += try await peer.read(exactly: answer.count - came.count)
            #expect(came == answer)
            try await writing.value
        }
    }

    @Test func `dropping what is here sees faults and the end, and waits for nothing`() async throws {
        try await withLoop { loop in
            let (peer, stream) = try streamPair(on: loop)
            try await peer.write("1\r\na\r\n")
            #expect(try await stream.fill())
            let body = IncomingBody(stream: stream, framing: .chunked)
            try body.dropBuffered()
            #expect(stream.unread.isEmpty && !body.isEnded)
            try await peer.write("0\r\n\r\n!")
            #expect(try await stream.fill())
            try body.dropBuffered()
            #expect(body.isEnded && stream.unread.count == 1)
            let bad = IncomingBody(stream: stream, framing: .chunked)
            #expect(throws: WireError.invalidChunkSize) { try bad.dropBuffered() }
            #expect(bad.hasFailed)
        }
    }
}
