// What the tests of https need: files of certificates, and a secure server to fetch from.
#if TLS

import Coro
import CoroTLS
import Foundation
import Http

/// An authority of the tests' own, and a folder of files for the tools to be pointed at.
struct Certificates {
    let folder: TemporaryFolder
    let authority: TLSIdentity

    init() throws {
        folder = try TemporaryFolder()
        var blank = TLSIdentity.Blank(names: [], commonName: "Tools Test Root")
        blank.isAuthority = true
        authority = try blank.sign(by: nil)
        try write(authority.pem.certificates, to: "ca.pem")
    }

    /// An identity that the authority has signed.
    func issue(
        _ names: [String] = ["localhost", "127.0.0.1"], _ change: (inout TLSIdentity.Blank) -> Void = { _ in }
    ) throws -> TLSIdentity {
        var blank = TLSIdentity.Blank(names: names)
        change(&blank)
        return try blank.sign(by: authority)
    }

    /// The path of a file in the folder.
    func path(_ name: String) -> String { folder.file(name).path }

    var authorityPath: String { path("ca.pem") }

    func write(_ text: String, to name: String) throws {
        try text.write(to: folder.file(name), atomically: true, encoding: .utf8)
    }

    /// Writes an identity as two files.
    func write(_ identity: TLSIdentity, _ certificate: String, _ key: String) throws {
        try write(identity.pem.certificates, to: certificate)
        try write(identity.pem.key, to: key)
    }
}

/// A secure server on a thread of its own; says who asks, and whether they show a certificate.
final class SecureServer {
    private let thread: LoopThread
    private let server: HTTPServer
    let address: SocketAddress

    var host: String { "https://\(address)" }
    var port: UInt16 { address.port }

    init(_ identity: TLSIdentity, _ options: TLSServer.Options = .init(protocols: ["http/1.1"])) throws {
        thread = try LoopThread(name: "secure server")
        server = HTTPServer(on: thread.loop) { request in
            .text("\(request.fields["Host"] ?? "-") \(request.tls?.peerCertificate?.subject ?? "nobody")\n")
        }
        address = try SecureServer.wait { [server] in
            try await server.listen(on: .loopback(port: 0), tls: try TLSServer(identity, options))
        }
    }

    deinit { try? thread.stop() }

    /// Runs async code to its end, from code that is not.
    private static func wait<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let loop = try EventLoop()
        defer { try? loop.close() }
        return try loop.runSync { try await body() }
    }
}
#endif
