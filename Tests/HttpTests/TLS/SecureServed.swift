// A secure server for one test, an authority that vouches for it, and clients that trust that authority.
#if TLS

import Coro
import CoroTLS
import CoroTesting
import Http

/// Whom the tests trust, and what it has signed. Keys cost time: what many tests need is made once.
enum Authority {
    static let root: TLSIdentity = {
        var blank = TLSIdentity.Blank(names: [], commonName: "Http Test Root")
        blank.isAuthority = true
        return try! blank.sign(by: nil)
    }()

    static let localhost = try! issue(["localhost", "127.0.0.1"])

    /// An identity that the root has signed.
    static func issue(_ names: [String], _ change: (inout TLSIdentity.Blank) -> Void = { _ in }) throws -> TLSIdentity {
        var blank = TLSIdentity.Blank(names: names)
        change(&blank)
        return try blank.sign(by: root)
    }

    /// A client that trusts the root and nobody else.
    static func client(_ change: (inout TLSClient.Options) -> Void = { _ in }) throws -> TLSClient {
        var options = TLSClient.Options(roots: .certificate(of: root))
        change(&options)
        return try TLSClient(options)
    }
}

/// A server that listens securely.
struct SecureServed: Sendable {
    let loop: EventLoop
    let server: HTTPServer
    let address: SocketAddress
    let refusals: Shared<[String]>

    var url: String { "https://\(address)" }

    /// A client that trusts the root and nobody else.
    func client(_ change: (inout HTTPClient.Configuration) -> Void = { _ in }) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.tls.roots = .certificate(of: Authority.root)
        change(&configuration)
        return HTTPClient(on: loop, configuration: configuration)
    }

    /// Waits until the server has no connection left.
    func waitUntilEmpty() async throws { while server.connectionCount > 0 { try await loop.moment() } }
}

/// Starts a secure server, runs `body` beside it on its loop, and stops it.
func withSecureServer(
    clock: any LoopClock = MonotonicClock(), identity: TLSIdentity = Authority.localhost,
    _ options: TLSServer.Options = .init(protocols: ["http/1.1"]), handler: @escaping HTTPServer.Handler = hello,
    _ body: @escaping @Sendable (SecureServed) async throws -> Void
) async throws {
    try await withLoop(clock: clock) { loop in
        let refusals = Shared<[String]>([])
        let server = HTTPServer(on: loop, handler: handler)
        let tls = try TLSServer(identity, options)
        let address = try await server.listen(on: .loopback(port: 0), tls: tls) { error, peer in
            refusals.change { $0.append("\(peer == nil ? "nobody" : "somebody"): \(error)") }
        }
        do {
            try await body(SecureServed(loop: loop, server: server, address: address, refusals: refusals))
        } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
        await server.shutdown(grace: .zero)
    }
}
#endif
