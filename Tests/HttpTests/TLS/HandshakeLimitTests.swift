// What ends a handshake, and how: time, the server's end, a network that cuts.
#if TLS

import Coro
import CoroTLS
import CoroTesting
import Http
import Testing

@Suite struct `The handshake of a connection` {
    @Test func `counts as a connection and ends after its time, whether it was begun or not`() async throws {
        let clock = ManualClock()
        try await withSecureServer(clock: clock) { served in
            let silent = try RawClient(to: served.address, on: served.loop)
            let begun = try RawClient(to: served.address, on: served.loop)
            // The header of a record that never comes.
            try await begun.stream.write([22, 3, 1, 2, 0, 1])
            try await clock.advance(by: .seconds(9))
            #expect(served.server.connectionCount == 2)
            try await clock.advance(by: .seconds(2))
            #expect(served.server.connectionCount == 0)
            #expect(served.server.refusedCount == 2)
            #expect(try await silent.isAtEnd())
            _ = try await begun.everything()
        }
    }

    @Test func `is ended at once when the server stops`() async throws {
        let clock = ManualClock()
        try await withSecureServer(clock: clock) { served in
            let silent = try RawClient(to: served.address, on: served.loop)
            let begun = try RawClient(to: served.address, on: served.loop)
            try await begun.stream.write([22, 3, 1, 2, 0, 1])
            for _ in 0..<5 { try await served.loop.moment() }
            #expect(served.server.connectionCount == 2)
            // No time passes: neither the grace nor the handshake's own limit ends them.
            await served.server.shutdown()
            #expect(served.server.connectionCount == 0)
            #expect(served.server.refusedCount == 0)
            #expect(try await silent.isAtEnd())
            _ = try await begun.everything()
        }
    }

    @Test func `leaves an idle connection, which ends when the server stops`() async throws {
        let clock = ManualClock()
        try await withSecureServer(clock: clock) { served in
            let client = try RawClient(to: served.address, on: served.loop)
            try await client.stream.startTLS(try Authority.client(), host: "localhost")
            for _ in 0..<5 { try await served.loop.moment() }
            #expect(served.server.connectionCount == 1)
            await served.server.shutdown()
            #expect(try await client.isAtEnd())
        }
    }

    @Test(arguments: [3, 30])
    func `is told apart from other phases when it takes the client too long, which it says itself`(
        _ seconds: Int
    ) async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let mute = try Listener(on: loop, address: .loopback(port: 0))
            var configuration = HTTPClient.Configuration()
            configuration.tls.verifiesPeer = false
            configuration.connectTimeout = .seconds(seconds)
            let client = HTTPClient(on: loop, configuration: configuration)
            let url = "https://\(mute.address)/"
            let fetch = loop.spawn { () async throws -> Duration in
                let start = loop.now
                await #expect { try await client.get(url) as HTTPClient.Response } throws: {
                    if case HTTPClientError.timeout(.tls) = $0 { true } else { false }
                }
                return start.duration(to: loop.now)
            }
            let stream = try await mute.accept()
            _ = try await stream?.fill()
            for _ in 0...seconds { try await clock.advance(by: .seconds(1)) }
            #expect(try await fetch.value >= .seconds(seconds))
            mute.close()
        }
    }

    @Test(arguments: [("Content-Length: 4", false), ("Connection: close", true)])
    func `a body cut without close_notify is an error only if its end was the connection's`(
        field: String, isError: Bool
    ) async throws {
        try await withLoop { loop in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let server = loop.spawn {
                guard let stream = try await listener.accept() else { return }
                try await stream.startTLS(try TLSServer(Authority.localhost))
                var line: [UInt8] = []
                while line != [13, 10] { line = try await stream.read(until: 10) }
                try await stream.write("HTTP/1.1 200 OK\r\n\(field)\r\n\r\nhalf")
                // FIN below TLS, as the network or somebody on it would send.
                stream.layer?.close(orderly: false)
                stream.close()
            }
            var configuration = HTTPClient.Configuration()
            configuration.tls.roots = .certificate(of: Authority.root)
            let client = HTTPClient(on: loop, configuration: configuration)
            let response = try await client.get("https://\(listener.address)/")
            if isError {
                await #expect { try await response.body.text() } throws: {
                    if case HTTPClientError.truncated(received: 4) = $0 { true } else { false }
                }
            } else {
                #expect(try await response.body.text() == "half")
            }
            try await server.value
            listener.close()
        }
    }
}
#endif
