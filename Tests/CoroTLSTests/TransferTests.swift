#if TLS

@testable import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// A secure stream is a stream: its rules are those of a plain one.
@Suite struct TransferTests {
    private static let text = (0..<300_000).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8)) }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `much more than the kernel keeps, both ways at once`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.versions = version...version }
            let pair = try await SecurePair(on: loop, client, bufferBytes: 4 * 1024)
            try await loop.withScope { scope in
                for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
                    scope.spawn { try await from.write(Self.text) }
                    scope.spawn { () async throws in #expect(try await to.read(exactly: Self.text.count) == Self.text) }
                }
            }
        }
    }

    @Test func `a writer waits for a peer that does not read, and goes on when it does`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, bufferBytes: 4 * 1024)
            let writing = loop.spawn { try await pair.client.write(Self.text) }
            while !pair.client.isWriterWaiting { try await loop.moment() }
            for _ in 0..<20 { try await loop.moment() }
            #expect(!writing.future.isDone)
            #expect(pair.client.sentTotal < 100_000)
            #expect(try await pair.server.read(exactly: Self.text.count) == Self.text)
            try await writing.value
        }
    }

    @Test func `a write that is cancelled leaves no hole: the rest goes with the next flush`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, bufferBytes: 4 * 1024)
            let writing = loop.spawn { try await pair.client.write(Self.text) }
            while !pair.client.isWriterWaiting { try await loop.moment() }
            writing.cancel()
            await #expect(throws: CancellationError.self) { try await writing.value }
            #expect(pair.client.unsentCount > 0)
            let reading = loop.spawn { try await pair.server.read(exactly: Self.text.count + 3) }
            try await pair.client.write("end")
            #expect(try await reading.value == Self.text + Array("end".utf8))
        }
    }

    @Test func `a read that is cancelled has not happened`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            let reading = loop.spawn { try await pair.server.read(exactly: 8) }
            try await pair.client.write("half")
            while pair.server.unread.isEmpty { try await loop.moment() }
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }
            try await pair.client.write("half")
            #expect(try await pair.server.read(exactly: 8) == Array("halfhalf".utf8))
        }
    }

    @Test func `one reader and one writer at a time`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, bufferBytes: 4 * 1024)
            let reading = loop.spawn { try await pair.client.read() }
            let writing = loop.spawn { try await pair.client.write(Self.text) }
            while !pair.client.isWriterWaiting || !pair.client.isReaderWaiting { try await loop.moment() }
            await #expect(throws: StreamError.busy("reading")) { try await pair.client.read() }
            await #expect(throws: StreamError.busy("writing")) { try await pair.client.write("x") }
            #expect(try await pair.server.read(exactly: Self.text.count) == Self.text)
            try await pair.server.write("y")
            #expect(try await reading.value == [UInt8(ascii: "y")])
            try await writing.value
        }
    }

    @Test func `RFC 8446 §4.6.3: a peer that asks for new keys and does not read costs nobody anything`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, bufferBytes: 4 * 1024)
            try await pair.exchange()
            let plan = pair.server.inject(.smooth.with(.hang, atStep: 1))
            // Step 0: the server's reader learns of the request. Step 1: its answer finds no room.
            #expect((pair.client.layer as? TLSLayer)?.updateKeys() == true)
            try await pair.client.write("a")
            #expect(try await pair.server.read() == [UInt8(ascii: "a")])
            let writing = loop.spawn { try await pair.server.write("answer") }
            while !plan.isReached { try await loop.moment() }
            // Now the reader has something to read, and must send before.
            let reading = loop.spawn { try await pair.server.read() }
            try await pair.client.write("b")
            var turns = 0
            while turns < 20 {
                try await loop.moment()
                turns += 1
            }
            plan.release()
            #expect(try await reading.value == [UInt8(ascii: "b")])
            #expect(try await pair.client.read(exactly: 6) == Array("answer".utf8))
            try await writing.value
        }
    }

    @Test func `RFC 8446 §4.6.3: keys are updated on one side and then on the other, under load`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, bufferBytes: 4 * 1024)
            try await loop.withScope { scope in
                for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
                    scope.spawn {
                        for start in stride(from: 0, to: Self.text.count, by: 30_000) {
                            // Two requests while a record is half sent are more than OpenSSL bears (“bad length”).
                            if start == 30_000 { #expect((from.layer as? TLSLayer)?.updateKeys() == true) }
                            try await from.write(Array(Self.text[start..<start + 30_000]))
                        }
                    }
                    scope.spawn { () async throws in #expect(try await to.read(exactly: Self.text.count) == Self.text) }
                }
            }
        }
    }

    @Test func `many small pieces are one record`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            let before = pair.client.sentTotal
            let plan = pair.client.inject(.smooth)
            for _ in 0..<100 { Array("piece\n".utf8).withUnsafeBytes { pair.client.append($0) } }
            #expect(pair.client.unsentCount == 600)
            try await pair.client.flush()
            #expect(plan.steps == 1)
            #expect(pair.client.sentTotal - before < 600 + 64)
            #expect(try await pair.server.read(exactly: 600) == Array(String(repeating: "piece\n", count: 100).utf8))
        }
    }

    @Test func `records that came together are read without asking the kernel again`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            for _ in 0..<50 { try await pair.client.write("line\n") }
            for _ in 0..<50 { #expect(try await pair.server.read(until: 10).count == 5) }
        }
    }

    @Test func `an idle stream holds no buffer`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            try await pair.exchange()
            let reading = [pair.client, pair.server].map { stream in loop.spawn { try await stream.read() } }
            while !pair.client.isReaderWaiting || !pair.server.isReaderWaiting { try await loop.moment() }
            for stream in [pair.client, pair.server] {
                #expect(stream.channel.input.reserve(0, loop.buffers).isEmpty)
                #expect(stream.channel.output.reserve(0, loop.buffers).isEmpty)
            }
            pair.client.close()
            pair.server.close()
            for task in reading { _ = try? await task.value }
        }
    }

    // MARK: Files

    @Test(arguments: [0, 1, 16 * 1024, 16 * 1024 + 1, 300_000])
    func `a file goes through TLS, never around it`(_ count: Int) async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop, bufferBytes: 4 * 1024)
            let text = Array(Self.text.prefix(count))
            let file = TemporaryFile([1, 2, 3] + text + [4])
            let reading = loop.spawn { try await pair.server.read(exactly: count + 6) }
            Array("abc".utf8).withUnsafeBytes { pair.client.append($0) }
            try await pair.client.write(file: file.descriptor, offset: 3, count: count)
            try await pair.client.write("end")
            #expect(try await reading.value == Array("abc".utf8) + text + Array("end".utf8))
        }
    }

    @Test func `what goes over the wire is not the file`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            let secret = Array(String(repeating: "open sesame ", count: 100).utf8)
            let file = TemporaryFile(secret)
            try await pair.client.write(file: file.descriptor, count: secret.count)
            // Below TLS.
            var raw = [UInt8](repeating: 0, count: 8_192)
            let channel = pair.server.channel
            let progress = raw.withUnsafeMutableBytes { channel.receiveRaw(into: $0, unannounced: true) }
            guard case .moved(let count) = progress else {
                Issue.record("nothing was sent")
                return
            }
            #expect(count > secret.count)
            #expect(!raw.prefix(count).contains(Array("sesame".utf8)))
        }
    }

    @Test func `a file that is shorter than it should be is told, with what was sent`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            let file = TemporaryFile(Array("ten bytes!".utf8))
            await #expect(throws: StreamError.ended(received: 10)) {
                try await pair.client.write(file: file.descriptor, count: 11)
            }
            #expect(try await pair.server.read(exactly: 10) == Array("ten bytes!".utf8))
        }
    }

    @Test func `a file that was cancelled goes on by the same call`() async throws {
        try await withLoop { loop async throws in
            let text = Array(Self.text.prefix(60_000))
            let file = TemporaryFile(text)
            try await forEachStep(.hang, in: .pieces(of: 5_000)) { plan async throws in
                let pair = try await SecurePair(on: loop)
                pair.client.inject(plan)
                let progress = Locked(Int64(0))
                let send: @Sendable () async throws -> Void = {
                    var offset = progress.withLock { $0 }
                    defer { progress.withLock { $0 = offset } }
                    try await pair.client.write(file: file.descriptor, from: &offset, upTo: Int64(text.count))
                    try await pair.client.write("end")
                }
                let reading = loop.spawn { try await pair.server.read(exactly: text.count + 3) }
                let sending = loop.spawn { try await send() }
                plan.whenReached { sending.cancel() }
                if await failure(of: { try await sending.value }) != nil {
                    plan.release()
                    if progress.withLock({ $0 }) < Int64(text.count) {
                        try await send()
                    } else if pair.client.unsentCount == 3 {
                        try await pair.client.flush()
                    } else {
                        try await pair.client.write("end")
                    }
                }
                #expect(try await reading.value == text + Array("end".utf8))
                // Should it fall on the farewell.
                pair.client.close()
                plan.release()
            }
        }
    }

    @Test func `what is no file, or not open for reading, is an error, and the stream is as it was`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            await #expect(throws: StreamError.broken(IOError(call: "read", code: EBADF))) {
                try await pair.client.write(file: -1, count: 1)
            }
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            defer { for end in ends { close(end) } }
            await #expect(throws: StreamError.broken(IOError(call: "read", code: ESPIPE))) {
                try await pair.client.write(file: ends[0], count: 1)
            }
            try await pair.exchange()
        }
    }
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
#endif
