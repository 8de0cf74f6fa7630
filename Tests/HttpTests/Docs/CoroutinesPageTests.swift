import Coro
import CoroTesting
import Http
import Testing

#if TLS
import CoroTLS
import Glibc
#endif

/// The snippets of Docs/Coroutines.md that fetch something, compiled, and run against a server of the test's own.
@Suite struct CoroutinesPageTests {
    @Test func `in parallel, looping over a body, and one deadline for all of it`() async throws {
        try await withLoop { loop async throws in
            let server = HTTPServer(on: loop) { request in .text("Hello, \(request.path)") }
            let address = try await server.listen(on: .loopback(port: 0))
            let client = HTTPClient(on: loop)
            let base = "http://\(address)"

            let parallel = loop.coroutine { co in
                let one = try HTTPClient.Request(.get, base + "/one")
                let two = try HTTPClient.Request(.get, base + "/two")
                let both = try await co.yield([client.fetch(one), client.fetch(two)])
                let byName = try await co.yield(["one": client.fetch(one), "two": client.fetch(two)])
                return both.map(\.status.code) + byName.values.map(\.status.code)
            }
            #expect(try await parallel.value == [200, 200, 200, 200])

            async let a = client.get(base + "/a").status
            async let b = client.get(base + "/b").status
            let statuses = try await [a, b]
            #expect(statuses.map(\.code) == [200, 200])

            let urls = [base + "/a", base + "/b"]
            let responses = try await loop.gather(urls.map { client.fetch(try .init(.get, $0)) }).value
            #expect(responses.count == 2)

            let text = try await loop.withTimeout(.seconds(5)) {
                let response = try await client.get(base + "/one")
                return try await response.body.text()
            }
            #expect(text == "Hello, /one")

            var count = 0
            for try await piece in try await client.get(base + "/one").body { count += piece.count }
            #expect(count == text.utf8.count)
            await server.shutdown(grace: .zero)
        }
    }

    #if TLS
    @Test func `https`() async throws {
        try await withLoop { loop async throws in
            let identity = try TLSIdentity.selfSigned()
            let file = "/tmp/coro-page-ours-\(getpid()).pem"
            try await loop.writeFile(file, Array(identity.pem.certificates.utf8))
            defer { unlink(file) }

            let server = HTTPServer(on: loop) { request in .text("\(request.isSecure)") }
            let tls = try TLSServer(identity, .init(protocols: ["http/1.1"]))
            let address = try await server.listen(on: .loopback(port: 0), tls: tls)

            var configuration = HTTPClient.Configuration()
            configuration.tls.roots = [.system, .file(file)]
            let client = HTTPClient(on: loop, configuration: configuration)
            let response = try await client.get("https://localhost:\(address.port)/")
            #expect(try await response.body.text() == "true")
            #expect(response.tls?.version == .tls13)
            await server.shutdown(grace: .zero)
        }
    }
    #endif
}
