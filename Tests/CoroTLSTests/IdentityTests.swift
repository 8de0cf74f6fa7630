#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// Our own certificates, keys and roots, and what may be wrong with their files.
@Suite struct IdentityTests {
    @Test func `an identity is written as PEM and read back`() throws {
        let folder = IdentityFolder()
        let identity = try TestAuthority.issue(by: TestAuthority.intermediate())
        let (certificate, key) = folder.files(identity)
        let read = try TLSIdentity(certificateFile: certificate, keyFile: key)
        #expect(read.leaf == identity.leaf)
        #expect(read.chain.count == 1)
        #expect(read.pem == identity.pem)
        let both = folder.file("both.pem", identity.pem.key + identity.pem.certificates)
        #expect(try TLSIdentity(certificateFile: both).leaf == identity.leaf)
    }

    @Test func `a host's name may be longer than a common name`() async throws {
        let name = Array(repeating: "label", count: 15).joined(separator: ".")
        try #require(name.utf8.count > 64)
        let identity = try TLSIdentity.selfSigned(names: [name])
        #expect(identity.leaf.names == [name])
        try await withLoop { loop async throws in
            let client = try TestAuthority.client { $0.roots = .certificate(of: identity) }
            _ = try await SecurePair(on: loop, client, TLSServer(identity), host: name)
        }
    }

    @Test func `a file that is not there, or holds something else, is named`() throws {
        let folder = IdentityFolder()
        let (certificate, key) = folder.files(TestAuthority.localhost)
        let missing = "\(folder.path)/missing.pem"
        #expect(throws: TLSError.identity("\(missing): No such file or directory")) {
            try TLSIdentity(certificateFile: missing)
        }
        #expect(throws: TLSError.identity("\(folder.path): Is a directory")) {
            try TLSIdentity(certificateFile: folder.path)
        }
        let text = folder.file("text.pem", "hello\n")
        #expect(throws: TLSError.identity("\(text): there is no certificate in it (PEM)")) {
            try TLSIdentity(certificateFile: text, keyFile: key)
        }
        #expect(throws: TLSError.identity("\(certificate): there is no private key in it (PEM)")) {
            try TLSIdentity(certificateFile: certificate)
        }
        let empty = folder.file("empty.pem", "")
        #expect(throws: TLSError.identity("\(empty): there is no private key in it (PEM)")) {
            try TLSIdentity(certificateFile: certificate, keyFile: empty)
        }
    }

    @Test func `a certificate that is damaged is not taken for the end of the file`() throws {
        let folder = IdentityFolder()
        let (_, key) = folder.files(TestAuthority.localhost)
        let pem = TestAuthority.localhost.pem.certificates
        let damaged = folder.file("damaged.pem", pem + pem.replacing("MII", with: "!!!"))
        #expect(throws: TLSError.self) { try TLSIdentity(certificateFile: damaged, keyFile: key) }
    }

    @Test func `another one's key is refused`() throws {
        let other = try TestAuthority.issue().pem.key
        #expect(throws: TLSError.identity("key: the key is not that of the certificate in certificates")) {
            try TLSIdentity(certificates: TestAuthority.localhost.pem.certificates, key: other)
        }
        let folder = IdentityFolder()
        let (certificate, _) = folder.files(TestAuthority.localhost)
        let key = folder.file("other.key", other)
        let error = TLSError.identity("\(key): the key is not that of the certificate in \(certificate)")
        #expect(throws: error) { try TLSIdentity(certificateFile: certificate, keyFile: key) }
        let words = "the key is not that of the certificate in \(certificate)"
        #expect("\(error)" == "The certificate or its key cannot be used: \(key): \(words).")
    }

    @Test(.enabled(if: Peer.openssl != nil, "The openssl command is not installed."))
    func `an encrypted key needs its password`() async throws {
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            let (certificate, key) = folder.files(TestAuthority.localhost)
            let locked = "\(folder.path)/locked.key"
            _ = try await loop.run(
                try #require(Peer.openssl), "pkcs8", "-topk8", "-in", key, "-out", locked, "-passout", "pass:sesame")
            _ = try TLSIdentity(certificateFile: certificate, keyFile: locked, password: "sesame")
            #expect(throws: TLSError.identity("\(locked): the key is encrypted, and the password is missing")) {
                try TLSIdentity(certificateFile: certificate, keyFile: locked)
            }
            #expect(throws: TLSError.identity("\(locked): the key is encrypted, and the password is wrong")) {
                try TLSIdentity(certificateFile: certificate, keyFile: locked, password: "Sesame")
            }
        }
    }

    @Test func `roots that cannot be read are named when the client is made`() throws {
        let folder = IdentityFolder()
        let missing = "\(folder.path)/missing.pem"
        let error = TLSError.roots("\(missing): No such file or directory")
        #expect(throws: error) { try TestAuthority.client { $0.roots = .file(missing) } }
        #expect("\(error)" == "The trusted certificates cannot be used: \(missing): No such file or directory.")
        let text = folder.file("text.pem", "hello")
        #expect(throws: TLSError.roots("\(text): there is no certificate in it (PEM)")) {
            try TestAuthority.client { $0.roots = [.system, .file(text)] }
        }
        #expect(throws: TLSError.roots("there is no certificate in it (PEM)")) {
            try TestAuthority.client { $0.roots = .pem([]) }
        }
        #expect(throws: TLSError.self) { try TestAuthority.server(.init(clients: .required(.file(missing)))) }
    }

    @Test func `roots are read from a file, which may hold several`() async throws {
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            let file = folder.file(
                "roots.pem", TestAuthority.stranger.pem.certificates + TestAuthority.root.pem.certificates)
            _ = try await SecurePair(on: loop, TestAuthority.client { $0.roots = .file(file) })
        }
    }

    @Test(.enabled(if: Peer.openssl != nil, "The openssl command is not installed."))
    func `roots are looked up in a directory by their hash`() async throws {
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            let hash = try await loop.run(
                try #require(Peer.openssl), "x509", "-noout", "-hash", "-in", folder.root
            ).text.dropLast()
            let client = try TestAuthority.client { $0.roots = .directory(folder.path) }
            #expect(try await Refusal(on: loop, client).problem?.reason == .unknownIssuer)
            _ = folder.file("\(hash).0", TestAuthority.root.pem.certificates)
            _ = try await SecurePair(on: loop, client)
        }
    }
}
#endif
