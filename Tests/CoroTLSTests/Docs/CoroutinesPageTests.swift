#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// The snippets of Docs/Coroutines.md about secure streams, compiled and run against an identity of the test's own.
@Suite struct CoroutinesPageTests {
    @Test func `secure from the start`() async throws {
        try await withLoop { loop async throws in
            let certificateFile = "/tmp/coro-page-cert-\(getpid()).pem"
            let keyFile = "/tmp/coro-page-key-\(getpid()).pem"
            let pem = try TLSIdentity.selfSigned().pem
            try await loop.writeFile(certificateFile, Array(pem.certificates.utf8))
            try await loop.writeFile(keyFile, Array(pem.key.utf8))
            defer { for file in [certificateFile, keyFile] { unlink(file) } }

            let server = try await loop.runBlocking {
                try TLSServer(TLSIdentity(certificateFile: certificateFile, keyFile: keyFile))
            }
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let serving = loop.spawn {
                try await listener.serve(tls: server) { stream in
                    while let bytes = try await stream.read() { try await stream.write(bytes) }
                }
            }

            let client = try await loop.runBlocking { try TLSClient(.init(roots: .file(certificateFile))) }
            let connector = Connector(loop: loop)
            for _ in 0..<2 {
                let stream = try await connector.connect(host: "localhost", port: listener.address.port, tls: client)
                #expect(stream.tls?.version == .tls13)
                try await stream.write("hello")
                stream.finishWriting()
                #expect(try await stream.collect() == Array("hello".utf8))
                try server.reload([TLSIdentity(certificateFile: certificateFile, keyFile: keyFile)])
            }

            listener.close()
            try await serving.value
        }
    }

    @Test func `secure from now on`() async throws {
        try await withLoop { loop async throws in
            let identity = try TLSIdentity.selfSigned()
            let server = try TLSServer(identity)
            let pair = try StreamPair(on: loop)
            let serving = loop.spawn {
                let stream = pair.left
                #expect(try await stream.read(until: 10) == Array("STARTTLS\n".utf8))
                stream.append("go ahead\n")
                try await stream.startTLS(server)
                try await stream.write("a secret\n")
            }

            let stream = pair.right
            try await stream.write("STARTTLS\n")
            #expect(try await stream.read(until: 10) == Array("go ahead\n".utf8))
            try await stream.startTLS(TLSClient(.init(roots: .certificate(of: identity))), host: "localhost")
            #expect(try await stream.read(until: 10) == Array("a secret\n".utf8))
            try await serving.value
        }
    }

    @Test func `who is not trusted, and why`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let server = try TLSServer(TLSIdentity.selfSigned())
            let serving = loop.spawn { try await pair.left.startTLS(server) }
            do {
                try await pair.right.startTLS(TLSClient(), host: "localhost")
                Issue.record("A certificate that nobody vouches for was accepted.")
            } catch TLSError.certificate(let problem) {
                #expect(problem.reason == .selfSigned)
                #expect(
                    problem.description
                        == "The peer's certificate “CN=localhost” is self-signed and not among those we trust.")
            }
            await #expect(throws: TLSError.self) { try await serving.value }
        }
    }

    @Test func `what its issuer has taken back`() async throws {
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            let identity = try TestAuthority.issue()
            let list = try TestAuthority.root.revocationList([.init(identity)])
            let (roots, lists) = (folder.root, folder.file("ours.crl", list))
            let client = try TLSClient(.init(roots: .file(roots), revocation: .leaf(.file(lists))))
            guard case .revoked = try await Refusal(on: loop, client, TLSServer(identity)).problem?.reason else {
                Issue.record("It was not refused, or for another reason.")
                return
            }
        }
    }
}
#endif
