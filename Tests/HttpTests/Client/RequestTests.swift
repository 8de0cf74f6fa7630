// What the client sends: heads, bodies, and nothing that could be taken for two requests.

import Coro
import CoroTesting
import Http
import Testing

private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

@Suite(.ownThread) struct `A client sends` {
    @Test func `Host first, its defaults, and the user's fields untouched`() throws {
        try withClient(script: answering(ok)) { client, server in
            let fields: Fields = ["accept": "text/plain", "X-One": "1"]
            let request = try HTTPClient.Request(.get, "\(server.url)/a?b=c#d", fields: fields)
            _ = try await client.fetch(request) as HTTPClient.Response
            #expect(
                server.heads == [
                    "GET /a?b=c HTTP/1.1\r\nHost: \(server.address)\r\nUser-Agent: Coro\r\naccept: text/plain\r\n"
                        + "X-One: 1\r\n\r\n"
                ])
            #expect(request.fields == fields)
        }
    }

    @Test func `the length of its body, whatever the user said`() throws {
        try withClient(script: answering(ok)) { client, server in
            let wrong: Fields = ["Content-Length": "99", "Transfer-Encoding": "chunked"]
            _ = try await client.post(server.url, .text("four"), fields: wrong)
            #expect(server.heads[0].contains("\r\nContent-Length: 4\r\n"))
            #expect(!server.heads[0].contains("chunked"))
            _ = try await client.post(server.url, .none)
            #expect(server.heads[1].contains("\r\nContent-Length: 0\r\n"))
        }
    }

    @Test func `a streamed body in chunks, or by its length`() throws {
        try withClient { connection, index in
            var received: [UInt8] = []
            while !received.suffix(5).elementsEqual("0\r\n\r\n".utf8), !received.suffix(5).elementsEqual("hello".utf8) {
                guard let bytes = try await connection.stream.read() else { return }
                received += bytes
            }
            let head = try #require(String(decoding: received, as: UTF8.self).components(before: "\r\n\r\n"))
            let body = received.dropFirst(head.utf8.count + 4)
            let answer = String(decoding: body.map { $0 < 32 ? 46 : $0 }, as: UTF8.self)
            // The script ends here: a client that was not told might send its next request into the closing connection.
            let length = "Content-Length: \(answer.utf8.count)\r\nConnection: close"
            try await connection.send("HTTP/1.1 200 OK\r\n\(length)\r\n\r\n\(answer)")
        } _: { client, server in
            let produce: @Sendable (BodyWriter) async throws -> Void = { writer in
                try await writer.write("hel")
                try await writer.write("lo")
            }
            var text = try await client.post(server.url, .stream(length: nil, produce)).body.text()
            #expect(text == "3..hel..2..lo..0....")
            text = try await client.post(server.url, .stream(length: 5, produce)).body.text()
            #expect(text == "hello")
        }
    }

    @Test func `nothing when the request cannot be sent`() throws {
        try withClient(script: answering(ok)) { client, server in
            for fields in [["X": "a\r\nB: c"], ["X\n": "a"], ["": "a"]] as [Fields] {
                await #expect {
                    try await client.get(server.url, fields: fields) as HTTPClient.Response
                } throws: {
                    if case HTTPClientError.malformedRequest = $0 { true } else { false }
                }
            }
            #expect(server.heads.isEmpty)
        }
        for url in ["", "http://", "http://a b/", "http://host:99999/", "//host/", "http://[::1/"] {
            #expect(throws: HTTPClientError.self) { try HTTPClient.Request(.get, url) }
        }
    }

    @Test func `a large body while the server answers early, and takes the answer`() throws {
        try withClient { connection, _ in
            _ = try await connection.stream.read(atMost: 100)
            try await connection.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            try await connection.stream.loop.sleep(for: .seconds(5))
        } _: { client, server in
            let body = OutgoingBody.bytes([UInt8](repeating: 120, count: 20_000_000))
            let response = try await client.post(server.url, body)
            #expect(response.status.code == 413)
            let text = try await response.body.text()
            #expect(text == "no")
        }
    }

    @Test func `a body only after 100 Continue, and none after a refusal`() throws {
        try withClient { connection, index in
            // The body must not come by itself: only the head is read here.
            var head = ""
            while !head.hasSuffix("\r\n\r\n") {
                head += String(decoding: try await connection.stream.read(until: 10), as: UTF8.self)
            }
            try await connection.stream.loop.sleep(for: .milliseconds(10))
            #expect(connection.stream.unread.isEmpty)
            if index == 0 {
                try await connection.send("HTTP/1.1 100 Continue\r\n\r\n")
                let body = try await connection.stream.read(exactly: 4)
                #expect(body == Array("data".utf8))
                try await connection.send(ok)
            } else {
                try await connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                try await connection.waitForEnd()
            }
        } _: { client, server in
            var configuration = HTTPClient.Configuration()
            configuration.continueTimeout = .seconds(5)
            let patient = HTTPClient(on: client.loop, configuration: configuration)
            let expecting: Fields = ["Expect": "100-continue", "Connection": "close"]
            let first = try await patient.post(server.url, .text("data"), fields: expecting)
            #expect(first.status == .ok)
            let called = Flag()
            let body = OutgoingBody.stream(length: 4) { _ in called.isSet = true }
            let second = try await patient.post(server.url, body, fields: expecting)
            #expect(second.status == .forbidden)
            #expect(!called.isSet)
        }
    }

    @Test func `no body that its maker could not finish, and says why`() throws {
        struct Broken: Error {}
        try withClient { connection, _ in
            _ = try? await connection.readRequest()
            try await connection.waitForEnd()
        } _: { client, server in
            await #expect(throws: Broken.self) {
                let body = OutgoingBody.stream(length: nil) { writer in
                    try await writer.write("part")
                    throw Broken()
                }
                _ = try await client.post(server.url, body)
            }
        }
    }
}

extension String {
    /// What comes before the first `separator`; nil without one.
    fileprivate func components(before separator: String) -> String? {
        let bytes = Array(utf8)
        let mark = Array(separator.utf8)
        guard bytes.count >= mark.count else { return nil }
        let start = (0...bytes.count - mark.count).first { bytes[$0..<$0 + mark.count].elementsEqual(mark) }
        return start.map { String(decoding: bytes[..<$0], as: UTF8.self) }
    }
}

final class Flag: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used on one loop's thread.
    var isSet = false
}
