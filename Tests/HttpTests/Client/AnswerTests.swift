// RFC 9112 §6 from the client's side: which bytes are an answer, and which are not.

import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct `A client reads answers` {
    static let whole: [(name: String, answer: String, body: String)] = [
        ("a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        (
            "chunks",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: 1\r\n\r\n",
            "hello"
        ),
        ("an end", "HTTP/1.1 200 OK\r\n\r\nhello", "hello"),
        ("HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", "hello"),
        ("no reason", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello"),
        ("nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        (
            "interim",
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"
        ),
        ("204", "HTTP/1.1 204 No Content\r\n\r\n", ""),
        ("304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n", ""),
    ]

    @Test(arguments: whole.map(\.name)) func `whole, and byte by byte, to the same body`(name: String) throws {
        let (_, answer, expected) = try #require(Self.whole.first { $0.name == name })
        try withClient(script: answeringOnce(answer)) { client, server in
            let response = try await client.get(server.url)
            #expect(try await response.body.text() == expected)
        }
        try withClient { connection, _ in
            _ = try await connection.readRequest()
            try await connection.sendByteByByte(answer)
        } _: { client, server in
            let response = try await client.get(server.url)
            #expect(try await response.body.text() == expected)
        }
    }

    @Test(arguments: whole.map(\.name)) func `cut anywhere before their end, as failures`(name: String) throws {
        let (_, answer, expected) = try #require(Self.whole.first { $0.name == name })
        guard !["an end", "HTTP/1.0"].contains(name) else { return }
        let bytes = Array(answer.utf8)
        try withClient { connection, index in
            _ = try await connection.readRequest()
            try await connection.stream.write(Array(bytes.prefix(index)))
        } _: { client, server in
            for count in 0..<bytes.count {
                do {
                    let body = try await client.get(server.url).body.text()
                    Issue.record("\(count) of \(bytes.count) bytes gave \(body) of \(expected)")
                } catch let error as HTTPClientError {
                    switch error {
                    case .closedWithoutAnswer: #expect(count == 0 || name == "interim")
                    case .malformedResponse(.truncatedHead), .truncated: #expect(count > 0)
                    default: Issue.record("cut after \(count): \(error)")
                    }
                }
            }
        }
    }

    @Test func `a reset where the body runs until the end, as a failure`() throws {
        try withClient { connection, _ in
            _ = try await connection.readRequest()
            try await connection.send("HTTP/1.1 200 OK\r\n\r\nhello")
            try await connection.stream.loop.sleep(for: .milliseconds(20))
            connection.reset()
        } _: { client, server in
            let response = try await client.get(server.url)
            await #expect(throws: HTTPClientError.self) { try await response.body.text() }
        }
    }

    @Test func `a reset before the first byte, as a failure to receive`() throws {
        try withClient { connection, _ in
            _ = try await connection.readRequest()
            connection.reset()
        } _: { client, server in
            await expect(client, server.url) { if case .receiveFailed = $0 { true } else { false } }
        }
    }

    @Test func `ten interim answers, and not an eleventh`() throws {
        let interim = "HTTP/1.1 102 Processing\r\n\r\n"
        let final = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        try withClient { connection, index in
            _ = try await connection.readRequest()
            try await connection.send(String(repeating: interim, count: 10 + index) + final)
        } _: { client, server in
            let response = try await client.get(server.url)
            #expect(response.status == .ok)
            await expect(client, server.url) { if case .tooManyInterimAnswers(10) = $0 { true } else { false } }
        }
    }

    @Test(arguments: [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
        "HTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhello\r\n0\r\n\r\n",
    ]) func `that break the rules, as failures with a cause`(answer: String) throws {
        try withClient(script: answeringOnce(answer)) { client, server in
            do {
                let body = try await client.get(server.url).body.text()
                Issue.record("taken for an answer with \(body)")
            } catch HTTPClientError.malformedResponse, HTTPClientError.unaskedUpgrade {}
        }
    }

    @Test func `to HEAD at once, whatever length they declare`() throws {
        try withClient(script: answering("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")) { client, server in
            for _ in 0..<3 {
                let response = try await client.fetch(HTTPClient.Request(.head, server.url))
                #expect(response.fields["content-length"] == "7")
                #expect(try await response.body.collect().isEmpty)
            }
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `with a claimed length beyond all memory, without allocating it`() throws {
        let huge = "HTTP/1.1 200 OK\r\nContent-Length: 4611686018427387904\r\n\r\nx"
        try withClient(script: answeringOnce(huge)) { client, server in
            let response = try await client.get(server.url)
            await #expect(throws: HTTPClientError.self) { try await response.body.collect(upTo: .max) }
        }
    }
}

/// Expects a fetch to fail for the given reason.
func expect(
    _ client: HTTPClient, _ url: String, sourceLocation: SourceLocation = #_sourceLocation,
    failsWith isExpected: (HTTPClientError) -> Bool
) async {
    do {
        let response = try await client.get(url)
        Issue.record("answered with \(response.status)", sourceLocation: sourceLocation)
    } catch let error as HTTPClientError {
        #expect(isExpected(error), "\(error)", sourceLocation: sourceLocation)
    } catch {
        Issue.record("failed with \(error)", sourceLocation: sourceLocation)
    }
}
