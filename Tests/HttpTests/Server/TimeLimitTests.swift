// Limits of time, on a clock that the tests move: none of them waits.

import Coro
import CoroTesting
import Glibc
import Http
import Testing

@Suite(.ownThread) struct TimeLimitTests {
    @Test func `RFC 9110 §15.5.9: a head that is not complete in ten seconds gets 408, however it drips`() async throws
    {
        let clock = ManualClock()
        try await withServer(clock: clock) { served in
            let client = try served.client()
            try await client.send("GET / HTTP/1.1\r\n")
            for index in 1...9 {
                try await clock.advance(by: .seconds(1))
                try await client.send("X-\(index): y\r\n")
            }
            #expect(served.server.connectionCount == 1)
            try await clock.advance(by: .seconds(3))
            let answer = try await client.answer()
            #expect(answer.status == 408)
            #expect(answer.closes)
            #expect(try await client.isAtEnd())
        }
    }

    @Test func `a connection that never sends a byte is closed silently after the head's time`() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { served in
            let client = try served.client()
            try await clock.advance(by: .seconds(9))
            #expect(served.server.connectionCount == 1)
            try await clock.advance(by: .seconds(3))
            #expect(try await client.isAtEnd())
            #expect(served.server.connectionCount == 0)
        }
    }

    @Test func `an idle connection is closed silently after a minute, and not while it is used`() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { served in
            let client = try served.client()
            for _ in 1...3 {
                try await client.send(get("/"))
                #expect(try await client.answer().status == 200)
                try await clock.advance(by: .seconds(50))
            }
            #expect(served.server.connectionCount == 1)
            try await clock.advance(by: .seconds(15))
            #expect(try await client.isAtEnd())
            #expect(served.server.connectionCount == 0)
        }
    }

    @Test func `hundreds of idle connections are all closed after their minute, whoever leaves before`() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { served in
            let idle = try (0..<300).map { _ in try served.client() }
            for client in idle {
                try await client.send(get("/"))
                _ = try await client.answer()
            }
            // In the middle of the minute some go, from all over the list.
            try await clock.advance(by: .seconds(30))
            for index in stride(from: 0, to: 300, by: 7) { idle[index].close() }
            try await clock.advance(by: .seconds(32))
            for (index, client) in idle.enumerated() where index % 7 != 0 { #expect(try await client.isAtEnd()) }
            #expect(served.server.connectionCount == 0)
        }
    }

    @Test func `a body slower than the floor ends the connection; one above it may take its time`() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock, handler: echo) { served in
            let slow = try served.client()
            let steady = try served.client()
            for client in [slow, steady] {
                try await client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 20000\r\n\r\n")
            }
            for _ in 1...30 {
                try await clock.advance(by: .seconds(1))
                _ = try? await slow.stream.write("x")
                try await steady.send(String(repeating: "y", count: 500))
            }
            #expect(served.server.connectionCount == 1)
            // How many of its bytes came back before the end depends on when RST overtook them; not all thirty did.
            let got = try await slow.everything()
            #expect(got.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(!got.contains(String(repeating: "x", count: 13)))
            try await steady.send(String(repeating: "y", count: 5000))
            #expect(try await steady.answer().body.count == 20_000)
        }
    }

    @Test func `a client that never reads its answer is dropped, with little in memory for it`() async throws {
        let clock = ManualClock()
        let endless: HTTPServer.Handler = { _ in
            .stream { writer in while true { try await writer.write(Array(repeating: 120, count: 65536)) } }
        }
        try await withServer(clock: clock, handler: endless) { served in
            let client = try served.client(receiveBuffer: 16 * 1024)
            try await client.send(get("/"))
            try await clock.advance(by: .seconds(25))
            #expect(served.server.connectionCount == 0)
            #expect(client.stream.isOpen)
        }
    }

    @Test func `a handler that takes its time is not the peer's fault`() async throws {
        let clock = ManualClock()
        let slow: HTTPServer.Handler = { request in
            try await request.loop.sleep(for: .seconds(600))
            return .text("at last")
        }
        try await withServer(clock: clock, handler: slow) { served in
            let client = try served.client()
            try await client.send(get("/"))
            try await clock.advance(by: .seconds(601))
            #expect(try await client.answer().text == "at last")
        }
    }

    @Test func `a peer that does not close after the last answer is left after two seconds`() async throws {
        let clock = ManualClock()
        try await withServer(clock: clock) { served in
            let client = try served.client()
            // A refusal: the peer may be in the middle of sending more, and is to read it all the same.
            try await client.send("GET / HTTP/1.1\r\n\r\n")
            #expect(try await client.answer().status == 400)
            #expect(served.server.connectionCount == 1)
            try await clock.advance(by: .seconds(4))
            #expect(served.server.connectionCount == 0)
        }
    }

    @Test func `a peer that has asked for its last answer, and sends no more, is left at once`() async throws {
        try await withServer(clock: ManualClock()) { served in
            let client = try served.client()
            try await client.send(get("/", "Connection: close"))
            #expect(try await client.answer().text == "/")
            #expect(try await client.isAtEnd())
            #expect(served.server.connectionCount == 0)
        }
    }

    @Test func `a peer that goes on sending after its last request still gets the answer whole`() async throws {
        try await withServer(clock: ManualClock()) { served in
            let client = try served.client()
            try await client.send(get("/", "Connection: close") + String(repeating: "more", count: 50_000))
            #expect(try await client.answer().text == "/")
            #expect(try await client.isAtEnd())
        }
    }

    @Test func `a peer that says more just while it is answered gets the answer too`() async throws {
        let more = Shared<@Sendable () -> Void>({})
        let handler: HTTPServer.Handler = { _ in
            // It is in the kernel, and the loop has not heard of it.
            more.value()
            return .text("answer")
        }
        try await withServer(clock: ManualClock(), handler: handler) { served in
            let client = try served.client()
            let descriptor = client.descriptor
            more.change { $0 = { #expect(Glibc.send(descriptor, "more", 4, 0) == 4) } }
            try await client.send(get("/", "Connection: close"))
            #expect(try await client.answer().text == "answer")
            #expect(try await client.isAtEnd())
        }
    }

    @Test func `connections over the cap wait until one is closed, on every listener`() async throws {
        var two = HTTPServer.Configuration()
        two.connectionsMax = 2
        try await withServer(configuration: two) { served in
            let second = try await served.server.listen(on: .loopback(port: 0))
            let open = try (1...2).map { _ in try served.client() }
            for client in open {
                try await client.send(get("/open"))
                _ = try await client.answer()
            }
            let waiting = try [served.address, second].map { try RawClient(to: $0, on: served.loop) }
            for client in waiting { try await client.send(get("/waiting", "Connection: close")) }
            for _ in 0..<50 { try await served.loop.moment() }
            #expect(served.server.connectionCount == 2)
            for client in open { client.close() }
            for client in waiting {
                #expect(try await client.answer().text == "/waiting")
                client.close()
            }
        }
    }
}
