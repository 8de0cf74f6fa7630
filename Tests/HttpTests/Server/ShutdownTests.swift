import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct ShutdownTests {
    @Test func `shutdown lets an answer under way finish, closes idle connections and accepts no more`() async throws {
        let gate = Shared<Promise<Void>?>(nil)
        let gated: HTTPServer.Handler = { request in
            if request.path == "/wait" { try await gate.value?.future.value }
            return .text("done")
        }
        try await withServer(handler: gated) { served in
            let opened = served.loop.promise(of: Void.self)
            gate.change { $0 = opened }
            let busy = try served.client()
            let idle = try served.client()
            try await idle.send(get("/"))
            _ = try await idle.answer()
            try await busy.send(get("/wait"))
            for _ in 0..<5 { try await served.loop.moment() }

            let stopping = served.loop.spawn { await served.server.shutdown() }
            #expect(try await idle.isAtEnd())
            #expect(throws: NotConnected.self) { try served.client() }
            #expect(!stopping.future.isDone)

            opened.trySucceed(())
            let answer = try await busy.answer()
            #expect(answer.text == "done")
            #expect(answer.closes)
            #expect(try await busy.isAtEnd())
            busy.close()
            try await stopping.value
            #expect(served.server.connectionCount == 0)
            gate.change { $0 = nil }
        }
    }

    @Test func `idle connections are closed in turns, and hundreds of them do not keep a ping waiting`() async throws {
        try await withServer { served in
            let idle = try (0..<200).map { _ in try served.client() }
            for client in idle {
                try await client.send(get("/"))
                _ = try await client.answer()
            }
            let pair = try StreamPair(on: served.loop)
            let stopping = served.loop.spawn { await served.server.shutdown() }
            for _ in 0..<2 {
                try await pair.left.write("ping")
                #expect(try await pair.right.read(exactly: 4) == Array("ping".utf8))
            }
            #expect(served.server.connectionCount > 100)
            for client in idle { #expect(try await client.isAtEnd()) }
            try await stopping.value
        }
    }

    @Test func `what is left after the grace is cancelled`() async throws {
        let clock = ManualClock()
        let cancelled = Shared(false)
        let endless: HTTPServer.Handler = { request in
            do {
                try await request.loop.sleep(for: .seconds(100_000))
            } catch {
                cancelled.change { $0 = true }
                throw error
            }
            return .text("never")
        }
        try await withServer(clock: clock, handler: endless) { served in
            let client = try served.client()
            try await client.send(get("/"))
            for _ in 0..<5 { try await served.loop.moment() }
            let stopping = served.loop.spawn { await served.server.shutdown(grace: .seconds(5)) }
            try await clock.advance(by: .seconds(4))
            #expect(!stopping.future.isDone)
            try await clock.advance(by: .seconds(2))
            try await stopping.value
            #expect(cancelled.value)
            #expect(try await client.everything() == "")
        }
    }

    @Test func `hundreds that are left after the grace are cancelled in turns`() async throws {
        let clock = ManualClock()
        let endless: HTTPServer.Handler = { request in
            try await request.loop.sleep(for: .seconds(100_000))
            return .text("never")
        }
        try await withServer(clock: clock, handler: endless) { served in
            let clients = try (0..<200).map { _ in try served.client() }
            for client in clients { try await client.send(get("/")) }
            for _ in 0..<200 { try await served.loop.moment() }
            let pair = try StreamPair(on: served.loop)
            let stopping = served.loop.spawn { await served.server.shutdown(grace: .seconds(5)) }
            try await served.loop.moment()
            let advancing = clock.startAdvancing(by: .seconds(5), on: served.loop)
            try await served.loop.sleep(for: .seconds(5))
            for _ in 0..<2 {
                try await pair.left.write("ping")
                #expect(try await pair.right.read(exactly: 4) == Array("ping".utf8))
            }
            #expect(served.server.connectionCount > 100)
            try await stopping.value
            try await advancing.value
            for client in clients { #expect(try await client.everything() == "") }
        }
    }

    @Test func `requests pipelined behind the last answer are not served`() async throws {
        let served = Shared<[String]>([])
        let stopping: HTTPServer.Handler = { request in
            served.change { $0.append(request.path) }
            return .text(request.path)
        }
        try await withServer(handler: stopping) { server in
            let client = try server.client()
            try await client.send(get("/1"))
            _ = try await client.answer()
            let end = server.loop.spawn { await server.server.shutdown() }
            try await client.send(get("/2") + get("/3"))
            _ = try await client.everything()
            client.close()
            try await end.value
            #expect(!served.value.contains("/3"))
        }
    }

    @Test func `shutdown may be called from another thread, and twice`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send(get("/"))
            _ = try await client.answer()
            let server = served.server
            async let first: Void = Task.detached { await server.shutdown() }.value
            async let second: Void = server.shutdown()
            _ = await (first, second)
            #expect(try await client.isAtEnd())
        }
    }
}
