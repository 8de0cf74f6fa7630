#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// How a secure connection ends: what is an end, and what is a cut.
@Suite struct EndingTests {
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a close is an end, and its last bytes have come before it`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.versions = version...version }
            let pair = try await SecurePair(on: loop, client)
            try await pair.client.write("all")
            pair.client.close()
            #expect(try await pair.server.collect() == Array("all".utf8))
            // And again.
            #expect(try await pair.server.read() == nil)
        }
    }

    @Test func `both halves are finished one after the other`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            pair.client.finishWriting()
            #expect(try await pair.server.read() == nil)
            try await pair.server.write(String(repeating: "thanks", count: 10_000))
            pair.server.finishWriting()
            #expect(try await pair.client.collect().count == 60_000)
            #expect(try await pair.client.read() == nil)
        }
    }

    @Test func `nobody writes after the end`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            pair.client.finishWriting()
            pair.client.finishWriting()
            await #expect(throws: StreamError.broken(IOError(call: "send", code: EPIPE))) {
                try await pair.client.write("more")
            }
            // The other direction is as it was.
            try await pair.server.write("still here")
            #expect(try await pair.client.read(exactly: 10) == Array("still here".utf8))
        }
    }

    @Test func `a cut in the middle of a record is a cut`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            // With the server's tickets unread the kernel would say RST instead of FIN.
            try await pair.exchange()
            let plan = pair.client.inject(.script([.atMost(20), .hang]))
            let writing = loop.spawn { try await pair.client.write("a record of more than twenty bytes") }
            while plan.steps < 2 { try await loop.moment() }
            pair.client.close()
            await #expect(throws: StreamError.truncated) { try await pair.server.read() }
            await #expect(throws: StreamError.truncated) { try await pair.server.read() }
            await #expect(throws: StreamError.closed) { try await writing.value }
        }
    }

    @Test func `a close with bytes still queued is a cut for the peer`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            // With the server's tickets unread the kernel would say RST instead of FIN.
            try await pair.exchange()
            try await pair.client.write("first")
            Array("second".utf8).withUnsafeBytes { pair.client.append($0) }
            pair.client.close()
            #expect(try await pair.server.read(exactly: 5) == Array("first".utf8))
            await #expect(throws: StreamError.truncated) { try await pair.server.read() }
        }
    }

    @Test func `a reset is never an end`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            pair.client.reset()
            let error = await failure { _ = try await pair.server.collect() }
            #expect(error is StreamError)
        }
    }

    @Test func `a farewell that finds no room follows when there is some, and FIN after it`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            try await pair.client.write("all")
            let plan = pair.client.inject(.smooth.with(.hang, atStep: 0))
            pair.client.finishWriting()
            #expect(plan.isReached)
            let collecting = loop.spawn { try await pair.server.collect() }
            for _ in 0..<5 { try await loop.moment() }
            #expect(!collecting.future.isDone)
            // Nor may anything be written meanwhile.
            await #expect(throws: StreamError.broken(IOError(call: "send", code: EPIPE))) {
                try await pair.client.write("more")
            }
            plan.release()
            #expect(try await collecting.value == Array("all".utf8))
        }
    }

    @Test func `a close waits for its farewell to find room, and nobody waits for the close`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            try await pair.exchange()
            let plan = pair.client.inject(.smooth.with(.hang, atStep: 0))
            pair.client.close()
            #expect(!pair.client.isOpen)
            await #expect(throws: StreamError.closed) { try await pair.client.read() }
            await #expect(throws: StreamError.closed) { try await pair.client.write("more") }
            let collecting = loop.spawn { try await pair.server.collect() }
            for _ in 0..<5 { try await loop.moment() }
            #expect(!collecting.future.isDone)
            plan.release()
            #expect(try await collecting.value == [])
        }
    }

    @Test func `a loop that closes waits for no farewell`() async throws {
        try await withLoop(allowing: .descriptors) { loop async throws in
            let pair = try await SecurePair(on: loop)
            pair.client.inject(.smooth.with(.hang, atStep: 0))
            pair.client.close()
        }
    }

    @Test func `a reset waits for no farewell either`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            pair.client.inject(.smooth.with(.hang, atStep: 0))
            pair.client.close()
            pair.client.reset()
            #expect(await failure { _ = try await pair.server.collect() } is StreamError)
        }
    }

    @Test func `a farewell that never finds room is a cut`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let pair = try await SecurePair(on: loop)
            // With the server's tickets unread the kernel would say RST instead of FIN.
            try await pair.exchange()
            pair.client.inject(.smooth.with(.hang, atStep: 0))
            pair.client.finishWriting()
            pair.client.close()
            await #expect(throws: StreamError.truncated) { try await pair.server.collect() }
        }
    }

    @Test func `a loop that closes says farewell for its streams`() async throws {
        let (loop, pair) = try await withLoop(allowing: [.descriptors, .loop]) { loop async throws in
            (loop, try await SecurePair(on: loop))
        }
        #expect(loop.isClosed)
        #expect(!pair.client.isOpen)
        #expect(!pair.server.isOpen)
    }

    @Test func `what was agreed on is known after the close`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            pair.client.close()
            #expect(pair.client.tls?.version == .tls13)
        }
    }
}
#endif
