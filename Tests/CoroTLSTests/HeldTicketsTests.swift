#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// When a server's tickets are on their way.
@Suite struct HeldTicketsTests {
    /// Takes the sessions that a client could resume, and says how many there were.
    private func countOfSessions(_ client: TLSClient) -> Int {
        var count = 0
        while let session = client.sessions.take("localhost:") {
            count += 1
            SessionCache.free(session)
        }
        return count
    }

    private func client() throws -> TLSClient { try TestAuthority.client { $0.versions = .tls13 ... .tls13 } }

    @Test func `two tickets go out with the first answer, in one call`() async throws {
        try await withLoop { loop async throws in
            let client = try client()
            let pair = try await SecurePair(on: loop, client)
            let calls = FaultPlan.smooth
            pair.server.inject(calls)
            try await pair.server.write("hello\n")
            #expect(calls.steps == 1)
            #expect(try await pair.client.read(until: 10) == Array("hello\n".utf8))
            #expect(countOfSessions(client) == 2)
        }
    }

    @Test func `a server that waits for its client has sent them`() async throws {
        try await withLoop { loop async throws in
            let client = try client()
            let pair = try await SecurePair(on: loop, client)
            let (left, right) = (pair.client, pair.server)
            let serving = loop.spawn { try await right.read() }
            let reading = loop.spawn { try await left.read() }
            while !left.isReaderWaiting || !right.isReaderWaiting { try await loop.moment() }
            // What the server sent while it began to wait has come, an iteration or two later.
            for _ in 0..<10 { try await loop.moment() }
            #expect(countOfSessions(client) == 2)
            left.close()
            #expect(try await serving.value == nil)
            _ = try? await reading.value
        }
    }

    @Test(arguments: [FaultPlan.pieces(of: 100), .pieces(of: 1), .stallBeforeEachStep(times: 3)])
    func `what finds no room goes before what is said next`(_ plan: FaultPlan) async throws {
        try await withLoop { loop async throws in
            let client = try client()
            let pair = try await SecurePair(on: loop, client)
            pair.server.inject(plan)
            let text = Array("hello\n".utf8)
            let server = pair.server
            let serving = loop.spawn {
                // Waits first, so that it tries to send them alone.
                let question = try await server.read(until: 10)
                try await server.write(question)
            }
            while !server.isReaderWaiting { try await loop.moment() }
            try await pair.client.write(text)
            #expect(try await pair.client.read(until: 10) == text)
            try await serving.value
            #expect(countOfSessions(client) == 2)
        }
    }

    @Test func `a server that says nothing sends them with its farewell`() async throws {
        try await withLoop { loop async throws in
            let client = try client()
            let pair = try await SecurePair(on: loop, client)
            pair.server.close()
            #expect(try await pair.client.read() == nil)
            #expect(countOfSessions(client) == 2)
        }
    }
}
#endif
