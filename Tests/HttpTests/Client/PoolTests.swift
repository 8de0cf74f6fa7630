// Connections: which are used again, how many there are, and what ends them.

import Coro
import CoroTesting
import Http
import Testing

private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

@Suite(.ownThread) struct `The connection pool` {
    @Test func `uses one connection for one request after the other`() throws {
        try withClient(script: answering(ok)) { client, server in
            for index in 0..<5 {
                let response = try await client.get(server.url)
                #expect(response.isConnectionReused == (index > 0))
                _ = try await response.body.collect()
            }
            #expect(server.connectionCount == 1)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 Smuggled\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ]) func `does not use a connection again after`(answer: String) throws {
        try withClient(script: answering(answer)) { client, server in
            for _ in 0..<2 {
                let response = try await client.get(server.url)
                #expect(response.reason == "OK")
                let text = try await response.body.text()
                #expect(text == "ok")
            }
            #expect(server.connectionCount == 2)
        }
    }

    @Test func `says of each address why it could not be connected to`() throws {
        try withClient(script: answering(ok)) { client, server in
            let port = server.address.port
            server.stop()
            try await client.loop.moment()
            let addresses = ["127.0.0.1", "127.0.0.2"].compactMap { SocketAddress(ip: $0, port: port) }
            var resolver = OverrideResolver()
            resolver.override("two.test", with: addresses)
            let other = HTTPClient(on: client.loop, resolver: resolver)
            await #expect {
                try await other.get("http://two.test:\(port)/") as HTTPClient.Response
            } throws: { error in
                guard case HTTPClientError.connect(let failures) = error else { return false }
                return failures.map(\.address) == addresses
                    && "\(error)" == "Could not connect to \(addresses[0]): Connection refused; "
                        + "\(addresses[1]): Connection refused"
            }
        }
    }

    @Test func `does not use a connection again that spoke while it was idle`() throws {
        try withClient { connection, index in
            while try await connection.readRequest() != nil {
                try await connection.send(ok)
                guard index == 0 else { continue }
                try await connection.stream.loop.sleep(for: .milliseconds(10))
                try await connection.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            }
        } _: { client, server in
            _ = try await client.get(server.url).body.collect()
            try await client.loop.sleep(for: .milliseconds(30))
            let response = try await client.get(server.url)
            #expect(response.status == .ok)
            #expect(server.connectionCount == 2)
        }
    }

    @Test func `closes a connection whose body was dropped unread, and frees its place`() throws {
        var configuration = HTTPClient.Configuration()
        configuration.connections.perOrigin = 1
        try withClient(configuration: configuration) { connection, index in
            _ = try await connection.readRequest()
            try await connection.send(index == 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx" : ok)
            try await connection.waitForEnd()
        } _: { client, server in
            _ = try await client.get(server.url)
            let text = try await client.get(server.url).body.text()
            #expect(text == "ok")
            #expect(server.connectionCount == 2)
        }
    }

    @Test func `lets no more than its limit run, and the rest in order of arrival`() throws {
        var configuration = HTTPClient.Configuration()
        configuration.connections.perOrigin = 2
        try withClient(configuration: configuration) { connection, _ in
            while try await connection.readRequest() != nil {
                try await connection.stream.loop.sleep(for: .milliseconds(5))
                try await connection.send(ok)
            }
        } _: { client, server in
            let futures = (0..<8).map { index -> Future<String> in
                client.loop.future { try await client.get("\(server.url)/\(index)").body.text() }
            }
            for future in futures {
                let text = try await future.value
                #expect(text == "ok")
            }
            #expect(server.connectionCount == 2)
            #expect(server.heads.map { $0.split(separator: " ")[1] } == (0..<8).map { "/\($0)" })
        }
    }

    @Test func `takes a cancelled fetch out of the line`() throws {
        var configuration = HTTPClient.Configuration()
        configuration.connections.perOrigin = 1
        try withClient(configuration: configuration) { connection, _ in
            while try await connection.readRequest() != nil {
                try await connection.stream.loop.sleep(for: .milliseconds(20))
                try await connection.send(ok)
            }
        } _: { client, server in
            let url = server.url
            let first = client.loop.spawn { try await client.get("\(url)/first").body.text() }
            try await client.loop.moment()
            let second = client.loop.spawn { try await client.get("\(url)/second").body.text() }
            let third = client.loop.spawn { try await client.get("\(url)/third").body.text() }
            try await client.loop.moment()
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            #expect(try await first.value == "ok")
            #expect(try await third.value == "ok")
            #expect(server.heads.count == 2)
        }
    }

    @Test func `frees place and socket at once when a fetch is cancelled`() throws {
        var configuration = HTTPClient.Configuration()
        configuration.connections.perOrigin = 1
        try withClient(configuration: configuration) { connection, index in
            _ = try await connection.readRequest()
            if index > 0 { try await connection.send(ok) }
            try await connection.waitForEnd()
        } _: { client, server in
            let url = server.url
            let silent = client.loop.spawn { try await client.get(url) as HTTPClient.Response }
            while server.heads.isEmpty { try await client.loop.sleep(for: .milliseconds(1)) }
            silent.cancel()
            await #expect(throws: CancellationError.self) { try await silent.value }
            while server.openCount > 0 { try await client.loop.sleep(for: .milliseconds(1)) }
            #expect(try await client.get(url).body.text() == "ok")
        }
    }

    @Test func `tries once more when an idle connection dies under a request that may be repeated`() throws {
        try withClient { connection, index in
            guard try await connection.readRequest() != nil else { return }
            try await connection.send(ok)
            if index == 0 {
                // The end comes with the next request, not before: what a race looks like from here.
                _ = try await connection.readRequest()
                return
            }
            while try await connection.readRequest() != nil { try await connection.send(ok) }
        } _: { client, server in
            _ = try await client.get(server.url).body.collect()
            let response = try await client.get("\(server.url)/again")
            #expect(response.status == .ok)
            #expect(!response.isConnectionReused)
            #expect(server.connectionCount == 2)
            #expect(server.heads.count == 3)
        }
    }

    @Test func `does not repeat a POST whose connection dies`() throws {
        try withClient { connection, _ in
            _ = try await connection.readRequest()
            try await connection.send(ok)
            _ = try await connection.readRequest()
        } _: { client, server in
            _ = try await client.get(server.url).body.collect()
            await #expect { try await client.post(server.url, .text("x")) as HTTPClient.Response } throws: {
                if case HTTPClientError.closedWithoutAnswer = $0 { true } else { false }
            }
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `does not repeat a request on a fresh connection that dies`() throws {
        try withClient { connection, _ in
            _ = try await connection.readRequest()
        } _: { client, server in
            await expect(client, server.url) { if case .closedWithoutAnswer = $0 { true } else { false } }
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `forgets a connection that the server closed while it was idle`() throws {
        try withClient(script: answeringOnce(ok)) { client, server in
            for _ in 0..<3 {
                let body = try await client.post(server.url, .text("x")).body.text()
                #expect(body == "ok")
                while server.openCount > 0 { try await client.loop.sleep(for: .milliseconds(1)) }
                try await client.loop.sleep(for: .milliseconds(5))
            }
            #expect(server.connectionCount == 3)
        }
    }

    @Test func `closes idle connections after their time, and with the client`() throws {
        var configuration = HTTPClient.Configuration()
        configuration.connections.idleTimeout = .milliseconds(20)
        try withClient(configuration: configuration, script: answering(ok)) { client, server in
            _ = try await client.get(server.url).body.collect()
            #expect(server.openCount == 1)
            while server.openCount > 0 { try await client.loop.sleep(for: .milliseconds(2)) }
            do {
                let brief = HTTPClient(on: client.loop)
                _ = try await brief.get(server.url).body.collect()
                #expect(server.openCount == 1)
            }
            while server.openCount > 0 { try await client.loop.sleep(for: .milliseconds(2)) }
        }
    }
}
