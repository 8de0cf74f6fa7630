// RFC 9110 §15.4: where a redirect leads, with which method, and what must not go along.

import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct `Redirects` {
    private static func moved(_ status: Int, to location: String) -> String {
        "HTTP/1.1 \(status) Moved\r\nLocation: \(location)\r\nContent-Length: 4\r\n\r\ngone"
    }

    /// Plays `answers` in order, over however many connections the client makes.
    private func play(
        _ answers: [String], configuration: HTTPClient.Configuration = .init(),
        _ body: sending @escaping (HTTPClient, ScriptedServer) async throws -> Void
    ) throws {
        try withClient(configuration: configuration) { connection, _ in
            while try await connection.readRequest() != nil {
                try await connection.send(answers[min(connection.server.heads.count, answers.count) - 1])
            }
        } _: {
            try await body($0, $1)
        }
    }

    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test(arguments: [
        (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (307, "POST", "POST"), (308, "POST", "POST"),
        (301, "PUT", "PUT"), (302, "DELETE", "DELETE"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (301, "GET", "GET"),
    ]) func `change the method only where they must`(status: Int, method: String, expected: String) throws {
        let ok = method == "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" : Self.ok
        let moved = Self.moved(status, to: "/new?x=1")
        let hasBody = method == "POST" || method == "PUT"
        try play([method == "HEAD" ? String(moved.dropLast(4)) : moved, ok]) { client, server in
            var request = try HTTPClient.Request(Method(method), "\(server.url)/old")
            if hasBody { request.body = .text("data") }
            request.fields = ["Content-Type": "text/plain", "X-Kept": "yes"]
            let response = try await client.fetch(request)
            #expect(response.status == .ok)
            #expect(response.url.target == "/new?x=1")
            #expect(response.redirectCount == 1)
            #expect(server.heads[1].hasPrefix("\(expected) /new?x=1 HTTP/1.1\r\n"))
            #expect(server.heads[1].contains("X-Kept: yes"))
            let keepsBody = hasBody && expected == method
            #expect(server.heads[1].contains("Content-Length: 4") == keepsBody)
            let dropsType = method != expected || status == 303
            #expect(server.heads[1].contains("Content-Type") == !dropsType)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `end at the limit with an error`() throws {
        try play([Self.moved(302, to: "/again")]) { client, server in
            await expect(client, server.url) { if case .tooManyRedirects(5) = $0 { true } else { false } }
            #expect(server.heads.count == 6)
        }
    }

    @Test func `are returned as they are when nobody wants them followed, or when they lead nowhere`() throws {
        let nowhere = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"
        try play([Self.moved(302, to: "/new"), nowhere]) { client, server in
            var request = try HTTPClient.Request(.get, server.url)
            request.redirects = .never
            let first = try await client.fetch(request)
            #expect(first.fields["Location"] == "/new")
            _ = try await first.body.collect()
            let second = try await client.get(server.url)
            #expect(second.status == .found)
        }
    }

    @Test(arguments: ["ftp://127.0.0.1/", "file:///etc/passwd", "javascript:alert(1)", ""])
    func `to where HTTP does not go are refused`(location: String) throws {
        try play([Self.moved(302, to: location)]) { client, server in
            await expect(client, server.url) {
                switch $0 {
                case .unsupportedScheme, .malformedURL: true
                default: false
                }
            }
        }
    }

    @Test func `to another port lose credentials, and keep them on the same`() throws {
        let secrets: Fields = ["Cookie": "a=b", "Proxy-Authorization": "p", "X-Kept": "yes"]
        try withClient(script: answering(Self.ok)) { client, other in
            let loop = client.loop
            let otherURL = other.url
            let server = try ScriptedServer(on: loop) { connection, _ in
                while try await connection.readRequest() != nil {
                    let count = connection.server.heads.count
                    try await connection.send(Self.moved(307, to: count == 1 ? "/same" : "\(otherURL)/other"))
                }
            }
            defer { server.stop() }
            let url = "http://user:pass@\(server.address)/"
            let response = try await client.fetch(try HTTPClient.Request(.get, url, fields: secrets))
            #expect(response.url.description == "\(other.url)/other")
            for head in server.heads {
                #expect(head.contains("Authorization: Basic dXNlcjpwYXNz\r\n"))
                #expect(head.contains("Cookie: a=b"))
            }
            let head = try #require(other.heads.first)
            #expect(!head.contains("Authorization"))
            #expect(!head.contains("Cookie"))
            #expect(head.contains("Host: \(other.address)\r\n"))
            #expect(head.contains("X-Kept: yes"))
        }
    }

    @Test func `do not deadlock with one connection`() throws {
        var configuration = HTTPClient.Configuration()
        configuration.connections.perOrigin = 1
        try play([Self.moved(302, to: "/a"), Self.moved(302, to: "/b"), Self.ok], configuration: configuration) {
            client, server in
            let body = try await client.get(server.url).body.text()
            #expect(body == "ok")
        }
    }

    @Test func `that ask for a streamed body again are returned`() throws {
        try play([Self.moved(307, to: "/new")]) { client, server in
            let body = OutgoingBody.stream(length: 4) { try await $0.write("data") }
            let response = try await client.post(server.url, body)
            #expect(response.status == .temporaryRedirect)
        }
    }
}
