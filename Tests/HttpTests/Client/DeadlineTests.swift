// One deadline over everything, and each phase named when it passes.

import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct `A client's timeout` {
    private func brief(_ timeout: Duration = .milliseconds(40)) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.timeout = timeout
        return configuration
    }

    /// Time passes when nothing else happens, however busy the machine is.
    private var patientClock: ManualClock { ManualClock(whenIdle: .jumpsAfterQuiet(.milliseconds(20))) }

    private let silence: ScriptedServer.Script = { connection, _ in
        _ = try await connection.readRequest()
        try await connection.waitForEnd()
    }

    @Test func `ends the wait for an answer and closes the connection`() throws {
        try withClient(configuration: brief(), clock: patientClock, script: silence) { client, server in
            await expect(client, server.url) { if case .timeout(.answer) = $0 { true } else { false } }
            while server.openCount > 0 { try await client.loop.sleep(for: .milliseconds(1)) }
        }
    }

    @Test func `ends reading the body, long after fetch has returned`() throws {
        try withClient(configuration: brief(), clock: patientClock) { connection, _ in
            _ = try await connection.readRequest()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
            try await connection.waitForEnd()
        } _: { client, server in
            let response = try await client.get(server.url)
            for _ in 0..<2 {
                await #expect {
                    try await response.body.text()
                } throws: {
                    if case HTTPClientError.timeout(.body) = $0 { true } else { false }
                }
            }
            while server.openCount > 0 { try await client.loop.sleep(for: .milliseconds(1)) }
        }
    }

    @Test func `leaves the body readable when it was only the reader's own`() throws {
        try withClient(clock: patientClock) { connection, _ in
            _ = try await connection.readRequest()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            try await connection.stream.loop.sleep(for: .milliseconds(40))
            try await connection.send("ok")
        } _: { client, server in
            let response = try await client.get(server.url)
            await #expect(throws: TimeoutError.self) {
                try await client.loop.withTimeout(.milliseconds(10)) { try await response.body.next() }
            }
            let text = try await response.body.text()
            #expect(text == "ok")
        }
    }

    @Test func `ends the wait in line`() throws {
        var configuration = brief(.milliseconds(60))
        configuration.connections.perOrigin = 1
        try withClient(configuration: configuration, clock: patientClock, script: silence) { client, server in
            var patient = try HTTPClient.Request(.get, server.url)
            patient.timeout = .zero
            let holding: Future<HTTPClient.Response> = client.fetch(patient)
            while server.heads.isEmpty { try await client.loop.sleep(for: .milliseconds(1)) }
            await expect(client, server.url) { if case .timeout(.queue) = $0 { true } else { false } }
            holding.cancel()
        }
    }

    @Test func `of zero is none`() throws {
        try withClient(configuration: brief(.zero), clock: patientClock) { connection, _ in
            _ = try await connection.readRequest()
            try await connection.stream.loop.sleep(for: .milliseconds(30))
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        } _: { client, server in
            let response = try await client.get(server.url)
            #expect(response.status == .ok)
        }
    }

    @Test func `of the caller counts as well`() throws {
        try withClient(clock: patientClock, script: silence) { client, server in
            await client.loop.withTimeout(.milliseconds(30)) {
                await expect(client, server.url) { if case .timeout(.answer) = $0 { true } else { false } }
            }
        }
    }

    @Test func `is not needed where nobody listens`() throws {
        try withClient(script: silence) { client, server in
            server.stop()
            try await client.loop.moment()
            await expect(client, server.url) { if case .connect = $0 { true } else { false } }
            #if !TLS
            await expect(client, "https://\(server.address)/") {
                if case .unsupportedScheme("https") = $0 { true } else { false }
            }
            #endif
        }
    }
}
