// Where a request is served, and what is left when it was.

import Coro
import CoroTesting
import Glibc
import Http
import Testing

@Suite struct RunsOnTheLoopTests {
    @Test func `a request touches one thread only, whatever its handler awaits`() async throws {
        let threads = Shared<Set<UInt>>([])
        @Sendable func note() { threads.change { $0.insert(UInt(pthread_self())) } }
        let wandering: HTTPServer.Handler = { request in
            note()
            for try await _ in request.body { note() }
            try await request.loop.sleep(for: .milliseconds(1))
            note()
            let future: Future<Void> = request.loop.sleep(.milliseconds(1))
            try await future.value
            note()
            try await request.loop.moment()
            note()
            _ = try await request.loop.spawn { note() }.value
            async let child: Void = note()
            await child
            note()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        try await request.loop.sleep(for: .milliseconds(1))
                        note()
                    }
                }
                try await group.waitForAll()
            }
            note()
            return .stream { writer in
                note()
                for _ in 0..<100 { try await writer.write(Array(repeating: 120, count: 65536)) }
                note()
            }
        }
        try await withServer(handler: wandering) { served in
            note()
            let client = try served.client()
            try await client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n12")
            try await served.loop.sleep(for: .milliseconds(2))
            try await client.send("34")
            #expect(try await client.answer().body.count == 6_553_600)
        }
        #expect(threads.value.count == 1)
    }

    @Test func `a generator-style coroutine is a handler, and is cancelled with its peer`() async throws {
        let outcome = Shared<String?>(nil)
        try await withLoop { loop in
            let server = HTTPServer(
                on: loop,
                future: { request in
                    request.loop.coroutine { co in
                        do {
                            let values = try await co.yield([1, 2].map { value in Thunk<Int> { $0(.success(value)) } })
                            if request.path == "/wait" { try await co.yield(request.loop.sleep(.seconds(3600))) }
                            return HTTPServer.Response.text("\(values)")
                        } catch {
                            outcome.change { $0 = "\(error)" }
                            throw error
                        }
                    }
                })
            let address = try await server.listen(on: .loopback(port: 0))
            let client = try RawClient(to: address, on: loop)
            try await client.send(get("/"))
            #expect(try await client.answer().text == "[1, 2]")
            try await client.send(get("/wait"))
            for _ in 0..<5 { try await loop.moment() }
            client.reset()
            while server.connectionCount > 0 { try await loop.moment() }
            await server.shutdown()
        }
        #expect(outcome.value?.contains("Cancellation") == true)
    }

    @Test func `two requests that each wait as long are answered in the time of one`() async throws {
        let clock = ManualClock()
        let sleeping: HTTPServer.Handler = { request in
            try await request.loop.sleep(for: .seconds(1))
            return .text("slept")
        }
        try await withServer(clock: clock, handler: sleeping) { served in
            let clients = try (1...2).map { _ in try served.client() }
            for client in clients { try await client.send(get("/")) }
            let began = served.loop.now
            try await clock.advance(by: .seconds(1))
            for client in clients { #expect(try await client.answer().text == "slept") }
            #expect(began.duration(to: served.loop.now) == .seconds(1))
        }
    }

    @Test func `a thousand connections leave no descriptor and no object behind`() async throws {
        // In a process of its own, where nobody else opens any.
        await #expect(processExitsWith: .success) { try await RunsOnTheLoopTests.thousandConnections() }
    }

    private static func thousandConnections() async throws {
        try await withServer(handler: echo) { served in
            let before = OpenDescriptors.count
            for index in 0..<1000 {
                let client = try served.client()
                try await client.send(post("/", "body"))
                if index % 3 == 0 { _ = try await client.answer() } else { try await served.loop.moment() }
                if index % 2 == 0 { client.close() } else { client.reset() }
            }
            while served.server.connectionCount > 0 { try await served.loop.moment() }
            // A few may be of the testing library, which works beside us; a leak of ours would be a hundred.
            #expect(OpenDescriptors.count <= before + 8)
        }
    }

    @Test func `a server that is dropped while requests run is gone with its loop`() async throws {
        // `withLoop` fails when anything still holds the loop, as every connection, exchange and server does.
        let ended = Shared(0)
        let endless: HTTPServer.Handler = { request in
            defer { ended.change { $0 += 1 } }
            try await request.loop.sleep(for: .seconds(3600))
            return .text("never")
        }
        try await withLoop(allowing: [.tasks, .descriptors]) { loop in
            let server = HTTPServer(on: loop, handler: endless)
            let address = try await server.listen(on: .loopback(port: 0))
            for _ in 0..<3 {
                let client = try RawClient(to: address, on: loop)
                try await client.send(get("/"))
            }
            let client = try RawClient(to: address, on: loop)
            try await client.send(get("/"))
            for _ in 0..<10 { try await loop.moment() }
        }
        #expect(ended.value == 4)
    }
}
