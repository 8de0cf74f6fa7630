#if TLS

import Coro
import CoroTLS
import CoroTesting
import Glibc
import Http
import Testing

@Suite(.ownThread) struct `https` {
    @Test func `a request over TLS is answered, and both sides know what was agreed on`() async throws {
        let tell: HTTPServer.Handler = { request in
            let version = request.tls?.version.description ?? "-"
            return .text("\(request.isSecure) \(version) \(request.tls?.applicationProtocol ?? "-")")
        }
        try await withSecureServer(handler: tell) { served in
            let response = try await served.client().get(served.url)
            #expect(try await response.body.text() == "true TLSv1.3 http/1.1")
            #expect(response.tls?.peerCertificate?.names == ["localhost", "127.0.0.1"])
            #expect(response.tls?.isResumed == false)
            #expect(response.url.description == "\(served.url)/")
            #expect(response.timings.connected <= response.timings.secured)
            #expect(response.timings.secured <= response.timings.sent)
        }
    }

    @Test func `a connection is used again, and a new one resumes the session of the first`() async throws {
        try await withSecureServer { served in
            let client = served.client()
            for index in 0..<3 {
                let response = try await client.get(served.url)
                _ = try await response.body.collect()
                #expect(response.isConnectionReused == (index > 0))
                #expect(response.tls?.isResumed == false)
            }
            let closing = try await client.get(served.url, fields: ["Connection": "close"])
            _ = try await closing.body.collect()
            let response = try await client.get(served.url)
            _ = try await response.body.collect()
            #expect(!response.isConnectionReused)
            #expect(response.tls?.isResumed == true)
        }
    }

    @Test func `two clients that share a TLS client resume each other's sessions`() async throws {
        let tell: HTTPServer.Handler = { .text($0.tls?.applicationProtocol ?? "none") }
        try await withSecureServer(.init(protocols: ["h2", "http/1.1"]), handler: tell) { served in
            // What it offers to others is of no matter here.
            let shared = try Authority.client { $0.protocols = ["h2"] }
            for index in 0..<3 {
                let client = served.client {
                    $0.tls.roots = .file("/nonexistent")
                    $0.tlsClient = shared
                }
                let response = try await client.get(served.url)
                #expect(try await response.body.text() == "http/1.1")
                #expect(!response.isConnectionReused)
                #expect(response.tls?.isResumed == (index > 0))
            }
            #expect(try await served.client().get(served.url).tls?.isResumed == false)
        }
    }

    @Test func `an idle connection that the server has closed is not used again`() async throws {
        try await withSecureServer { served in
            let client = served.client()
            _ = try await client.get(served.url).body.collect()
            await served.server.shutdown()
            let again = HTTPServer(on: served.loop, handler: hello)
            try await again.listen(on: served.address, tls: try TLSServer(Authority.localhost))
            let response = try await client.get("\(served.url)/again")
            #expect(try await response.body.text() == "/again")
            #expect(!response.isConnectionReused)
            await again.shutdown(grace: .zero)
        }
    }

    @Test func `bodies stream in both directions at once`() async throws {
        try await withSecureServer(handler: echo) { served in
            let piece = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let body = OutgoingBody.stream(length: nil) { writer in
                for _ in 0..<10 { try await writer.write(piece) }
            }
            let response = try await served.client().post(served.url, body)
            let bytes = try await response.body.collect()
            #expect(bytes == Array(repeatElement(piece, count: 10).joined()))
        }
    }

    @Test func `a file goes out enciphered, as whole as any body`() async throws {
        let path = "/tmp/coro-https-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        let descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600)
        #expect(bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
        close(descriptor)
        defer { unlink(path) }
        let files = try StaticFiles(directory: "/tmp")
        var router = Router()
        router.get("/{path...}", files.handler)
        let name = path.dropFirst("/tmp".count)
        try await withSecureServer(handler: router.handler) { served in
            let response = try await served.client().get(served.url + name)
            #expect(try await response.body.collect() == bytes)
            let part = try await served.client().get(served.url + name, fields: ["Range": "bytes=200000-"])
            #expect(try await part.body.collect() == Array(bytes[200_000...]))
        }
    }

    @Test func `pipelined requests are answered in order`() async throws {
        try await withSecureServer { served in
            let client = try RawClient(to: served.address, on: served.loop)
            try await client.stream.startTLS(try Authority.client(), host: "localhost")
            try await client.send(get("/1") + get("/2") + get("/3"))
            for path in ["/1", "/2", "/3"] { #expect(try await client.answer().text == path) }
        }
    }

    // MARK: Who is who

    @Test func `the handler sees the certificate that the client has shown`() async throws {
        let tell: HTTPServer.Handler = { .text($0.tls?.peerCertificate?.subject ?? "nobody") }
        let options = TLSServer.Options(clients: .optional(.certificate(of: Authority.root)))
        try await withSecureServer(options, handler: tell) { served in
            let ada = try Authority.issue(["ada"])
            let known = try await served.client { $0.tls.identity = ada }.get(served.url)
            #expect(try await known.body.text() == "CN=ada")
            #expect(try await served.client().get(served.url).body.text() == "nobody")
        }
    }

    @Test func `a server that wants a certificate refuses a client without one, and says so to both`() async throws {
        let options = TLSServer.Options(clients: .required(.certificate(of: Authority.root)))
        try await withSecureServer(options) { served in
            // With TLS 1.3 the client learns of it only when it reads.
            await #expect { try await served.client().get(served.url) as HTTPClient.Response } throws: {
                "\($0)".contains("certificate")
            }
            try await served.waitUntilEmpty()
            #expect(served.server.refusedCount == 1)
            #expect(served.refusals.value.first?.hasPrefix("somebody: ") == true)
        }
    }

    @Test func `a server whose certificate nobody trusted vouches for is not talked to`() async throws {
        let reached = Shared(false)
        let handler: HTTPServer.Handler = { _ in
            reached.change { $0 = true }
            return .text("")
        }
        try await withSecureServer(identity: try TLSIdentity.selfSigned(), handler: handler) { served in
            await #expect {
                try await served.client().get(served.url) as HTTPClient.Response
            } throws: { error in
                guard case HTTPClientError.tls(.certificate(let problem)) = error else { return false }
                return problem.reason == .selfSigned
            }
            #expect(try await served.client { $0.tls.verifiesPeer = false }.get(served.url).status == .ok)
            try await served.waitUntilEmpty()
            #expect(served.server.refusedCount == 1)
        }
        #expect(reached.value)
    }

    @Test func `a file of roots that is not there is the fetch's error, and the next fetch looks again`() async throws {
        let path = "/tmp/coro-roots-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        defer { unlink(path) }
        try await withSecureServer { served in
            let client = served.client { $0.tls.roots = .file(path) }
            await #expect { try await client.get(served.url) as HTTPClient.Response } throws: { error in
                guard case HTTPClientError.tls(.roots(let reason)) = error else { return false }
                return reason.contains(path)
            }
            try await served.loop.writeFile(path, Array(Authority.root.pem.certificates.utf8))
            #expect(try await client.get(served.url).status == .ok)
        }
    }

    // MARK: The wrong protocol

    @Test func `plain HTTP on a secure port is told to come back with https, and others are served`() async throws {
        try await withSecureServer { served in
            let client = try RawClient(to: served.address, on: served.loop)
            try await client.send(get("/secret"))
            let answer = try await client.answer()
            #expect(answer.status == 400)
            #expect(answer.text.contains("https://"))
            #expect(answer.closes)
            #expect(try await client.isAtEnd())
            client.close()
            try await served.waitUntilEmpty()
            #expect(served.refusals.value == ["somebody: The client spoke plain HTTP on a port for https."])
            #expect(try await served.client().get(served.url).status == .ok)
        }
    }

    @Test func `what is neither ends its connection, is counted and not reported`() async throws {
        try await withSecureServer { served in
            let client = try RawClient(to: served.address, on: served.loop)
            try await client.send("\u{1}\u{2}\u{3} hello")
            _ = try await client.everything()
            // One that says nothing at all is not even counted.
            try RawClient(to: served.address, on: served.loop).close()
            for _ in 0..<20 { try await served.loop.moment() }
            try await served.waitUntilEmpty()
            #expect(served.server.refusedCount == 1)
        }
    }

    @Test func `https on a plain port fails as a handshake, and the plain server goes on`() async throws {
        try await withServer { served async throws in
            var configuration = HTTPClient.Configuration()
            configuration.tls.verifiesPeer = false
            let client = HTTPClient(on: served.loop, configuration: configuration)
            await #expect { try await client.get("https://\(served.address)/") as HTTPClient.Response } throws: {
                error in
                guard case HTTPClientError.tls(.handshake(let reason)) = error else { return false }
                return reason.contains("does not speak TLS")
            }
            #expect(try await client.get("http://\(served.address)/").tls == nil)
            #expect(try await served.servesOthers())
        }
    }

    @Test func `http and https connections to one port are never mixed up`() async throws {
        let tell: HTTPServer.Handler = { .text("\($0.isSecure)") }
        try await withServer(handler: tell) { plain in
            let secured = try await plain.server.listen(on: .loopback(port: 0), tls: try TLSServer(Authority.localhost))
            var configuration = HTTPClient.Configuration()
            configuration.tls.roots = .certificate(of: Authority.root)
            let client = HTTPClient(on: plain.loop, configuration: configuration)
            for _ in 0..<2 {
                #expect(try await client.get("https://\(secured)/").body.text() == "true")
                #expect(try await client.get("http://\(plain.address)/").body.text() == "false")
            }
        }
    }

    // MARK: Redirects

    @Test func `credentials do not follow a redirect from https to http`() async throws {
        let fields: HTTPServer.Handler = { .text($0.fields["Authorization"] ?? "none") }
        try await withServer(handler: fields) { plain in
            let address = plain.address
            let handler: HTTPServer.Handler = { request in
                #expect(request.fields["Authorization"] != nil)
                return HTTPServer.Response(status: .found, fields: ["Location": "http://\(address)/"])
            }
            try await withSecureServer(handler: handler) { served in
                let url = served.url.replacing("https://", with: "https://ada:secret@")
                let response = try await served.client().get(url)
                #expect(response.redirectCount == 1)
                #expect(response.tls == nil)
                #expect(try await response.body.text() == "none")
            }
        }
    }
}
#endif
