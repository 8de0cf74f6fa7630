import CLoop
import Coro
import CoroTesting
import Glibc
import Testing

@Suite struct PipeTests {
    @Test func `what is written comes out in order, and then the end`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            try await writer.write("hello ")
            try await writer.write("world")
            writer.close()
            #expect(try await reader.read(exactly: 6).elementsEqual("hello ".utf8))
            #expect(try await reader.collect().elementsEqual("world".utf8))
            #expect(try await reader.read() == nil)
        }
    }

    @Test func `more than a pipe holds goes through while both sides work`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let writing = loop.spawn {
                try await writer.write(bytes)
                writer.close()
            }
            #expect(try await reader.collect() == bytes)
            try await writing.value
        }
    }

    @Test func `lines come without their ends, the last also without one`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            try await writer.write("one\r\n\ntwo")
            writer.close()
            var lines: [String] = []
            for try await line in reader.lines() { lines.append(line) }
            #expect(lines == ["one", "", "two"])
        }
    }

    @Test func `a line that does not end within the limit is refused and still there`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            try await writer.write("abcdef")
            let lines = reader.lines(limit: 4)
            await #expect(throws: StreamError.limitExceeded(limit: 4)) {
                for try await _ in lines {}
            }
            #expect(try await reader.read(exactly: 6).elementsEqual("abcdef".utf8))
        }
    }

    @Test func `a cancelled read has consumed nothing`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            let reading = loop.spawn { try await reader.read(exactly: 4) }
            try await writer.write("ab")
            try await loop.moment()
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }
            try await writer.write("cd")
            #expect(try await reader.read(exactly: 4).elementsEqual("abcd".utf8))
        }
    }

    @Test func `a cancelled write leaves no hole`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            let bytes = [UInt8](repeating: 1, count: 300_000)
            let writing = loop.spawn { try await writer.write(bytes) }
            try await loop.moment()
            writing.cancel()
            await #expect(throws: CancellationError.self) { try await writing.value }
            let rest = loop.spawn {
                try await writer.write([2])
                writer.close()
            }
            #expect(try await reader.collect() == bytes + [2])
            try await rest.value
        }
    }

    @Test func `writing without a reader fails with EPIPE and raises no signal`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            reader.close()
            let broken = StreamError.broken(IOError(call: "write", code: EPIPE))
            await #expect(throws: broken) {
                // A child that another test is just starting has a copy of the other end for a moment.
                while true { try await writer.write("x") }
            }
        }
    }

    @Test func `a reader that goes wakes who waits to write`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            let writing = loop.spawn { try await writer.write([UInt8](repeating: 1, count: 300_000)) }
            try await loop.moment()
            reader.close()
            await #expect(throws: StreamError.broken(IOError(call: "write", code: EPIPE))) { try await writing.value }
        }
    }

    @Test func `a second reader is refused, a closed end says so, another thread is sent away`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            let first = loop.spawn { try await reader.read() }
            try await loop.moment()
            await #expect(throws: StreamError.busy("reading")) { try await reader.read() }
            let foreign = Task.detached { try await writer.write("x") }
            await #expect(throws: StreamError.wrongThread) { try await foreign.value }
            reader.close()
            await #expect(throws: StreamError.closed) { try await first.value }
            writer.close()
            await #expect(throws: StreamError.closed) { try await writer.write("x") }
        }
    }

    @Test func `a writer that is always ahead does not keep the loop to its reader`() async throws {
        try await withLoop { loop async throws in
            var ends: [Int32] = [-1, -1]
            #expect(cloop_pipe_open(&ends) == 0)
            defer { Glibc.close(ends[1]) }
            let reader = try PipeReader(takingOver: ends[0], on: loop)
            let bytes = [UInt8](repeating: 1, count: 1 << 15)
            let turns = try await turnsOfOthers(on: loop) { () async throws in
                for _ in 0..<256 {
                    #expect(Glibc.write(ends[1], bytes, bytes.count) == bytes.count)
                    #expect(try await reader.read(exactly: bytes.count).count == bytes.count)
                }
            }
            #expect(turns >= 3)
        }
    }

    @Test func `a reader that is always ahead does not keep the loop to its writer`() async throws {
        try await withLoop { loop async throws in
            var ends: [Int32] = [-1, -1]
            #expect(cloop_pipe_open(&ends) == 0)
            defer { Glibc.close(ends[0]) }
            let writer = try PipeWriter(takingOver: ends[1], on: loop)
            var bytes = [UInt8](repeating: 1, count: 1 << 15)
            let turns = try await turnsOfOthers(on: loop) { () async throws in
                for _ in 0..<256 {
                    try await writer.write(bytes)
                    #expect(Glibc.read(ends[0], &bytes, bytes.count) == bytes.count)
                }
            }
            #expect(turns >= 3)
        }
    }

    @Test func `a reader whose bytes are consumed holds no buffer, asleep or not`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            try await writer.write("ab")
            #expect(try await reader.read(exactly: 1) == [97])
            #expect(reader.unread.baseAddress != nil)
            #expect(try await reader.read(exactly: 1) == [98])
            #expect(reader.unread.baseAddress == nil)
            writer.close()
        }
    }

    @Test func `a second writer is refused before it has queued anything`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            let bytes = [UInt8](repeating: 1, count: 300_000)
            let first = loop.spawn {
                try await writer.write(bytes)
                writer.close()
            }
            try await loop.moment()
            await #expect(throws: StreamError.busy("writing")) { try await writer.write("second") }
            await #expect(throws: StreamError.busy("writing")) { try await writer.flush() }
            #expect(try await reader.collect() == bytes)
            try await first.value
        }
    }

    @Test func `a second reader is refused what the first one waits to be more`() async throws {
        try await withLoop { loop async throws in
            let (reader, writer) = try pipe(on: loop)
            try await writer.write("ab")
            let first = loop.spawn { try await reader.read(exactly: 4) }
            try await loop.moment()
            await #expect(throws: StreamError.busy("reading")) { try await reader.read() }
            try await writer.write("cd")
            #expect(try await first.value == Array("abcd".utf8))
        }
    }

    @Test func `what a pipe refuses to take from a source is still there`() async throws {
        try await withLoop { loop async throws in
            let (source, supply) = try pipe(on: loop)
            let (reader, writer) = try pipe(on: loop)
            try await supply.write("still here")
            let first = loop.spawn { try await writer.write([UInt8](repeating: 1, count: 300_000)) }
            try await loop.moment()
            await #expect(throws: StreamError.busy("writing")) { try await writer.write(contentsOf: source) }
            writer.close()
            await #expect(throws: StreamError.closed) { try await first.value }
            await #expect(throws: StreamError.closed) { try await writer.write(contentsOf: source) }
            #expect(try await source.read() == Array("still here".utf8))
            reader.close()
        }
    }
}
