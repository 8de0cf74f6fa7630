// coro-serve over TLS, with curl, with coro-fetch, and with a connection that stays open while certificates change.
#if TLS

import Coro
import CoroTLS
import CoroTesting
import Foundation
import Http
import Testing

private let curl = Program.find("curl")

@Suite(.ownThread, .enabled(if: ServeProcess.path != nil, "coro-serve is not built."))
struct `coro-serve over TLS` {
    private func serve(_ arguments: String...) throws -> ServeProcess {
        try ServeProcess(["-p", "0", "--quiet"] + arguments, scheme: "https")
    }

    /// The certificate's file out of the line to paste, which is the third of three.
    private func pasted(_ server: ServeProcess) throws -> (arguments: [String], file: String) {
        let certificate = try #require(server.readLine())
        #expect(certificate.hasPrefix("coro-serve: certificate for localhost, 127.0.0.1, ::1 until 20"))
        #expect(try #require(server.readLine()).hasPrefix("  SHA-256 "))
        let words = try #require(server.readLine()).split(separator: " ").map(String.init)
        try #require(words.count == 4 && words[0] == "coro-fetch" && words[1] == "--cacert")
        return (Array(words[1...]), words[2])
    }

    @Test func `prints with --tls a line that works as it is`() throws {
        let server = try serve("--tls")
        let (arguments, _) = try pasted(server)
        #expect(arguments[2] == "https://localhost:\(server.port)/")
        let ours = try Program.run(Program.coroFetch, arguments)
        #expect(ours.text == "Hello, world\n")
        if let curl {
            let theirs = try Program.run(curl, ["-sS"] + arguments)
            #expect(theirs.text == "Hello, world\n", "\(theirs.errors)")
        }
        #expect(try Program.fetch(arguments[2]).status == 60)
        server.send(SIGTERM)
        #expect(server.end() == (0, "", ""))
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func `writes the certificate and not the key, for this user, until it ends`(signal: Int32) throws {
        let server = try serve("--tls")
        let (_, file) = try pasted(server)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.contains("BEGIN CERTIFICATE") && !text.contains("KEY"))
        server.send(signal)
        #expect(server.end().code == 0)
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    @Test func `serves on several loops with one certificate, and tells plain HTTP to come back`() throws {
        let server = try serve("--tls", "--loops", "2")
        let (arguments, _) = try pasted(server)
        let urls = Array(repeating: arguments[2], count: 20)
        #expect(try Program.run(Program.coroFetch, Array(arguments.prefix(2)) + urls).status == 0)
        let plain = ServeConnection.ask(server.port, "/")
        #expect(plain.hasPrefix("HTTP/1.1 400 ") && plain.contains("https://"))
    }

    @Test func `has browsers take types as they are said, over https alone`() throws {
        let server = try serve("--tls")
        let (arguments, _) = try pasted(server)
        let head = try Program.run(Program.coroFetch, ["-I"] + arguments).text
        #expect(head.contains("X-Content-Type-Options: nosniff\r\n"), "\(head)")
        let plain = try ServeProcess(["-p", "0", "--quiet"])
        #expect(try !Program.fetch("-I", "http://127.0.0.1:\(plain.port)/").text.contains("nosniff"))
    }

    @Test func `says in the log who did not get in, and why`() throws {
        let server = try ServeProcess(["-p", "0", "--tls"], scheme: "https")
        let (arguments, _) = try pasted(server)
        _ = try Program.fetch(arguments[2])
        let line = try #require(server.readLine())
        #expect(line.hasPrefix("--- 127.0.0.1:") && line.contains("unknown ca"))
    }

    @Test func `takes the certificate of --tls-cert, with its key from where that is`() throws {
        let files = try Certificates()
        let identity = try files.issue()
        try files.write(identity, "server.pem", "server.key")
        try files.write(identity.pem.certificates + identity.pem.key, to: "both.pem")
        let ways = [
            ["--tls-cert", files.path("server.pem"), "--tls-key=\(files.path("server.key"))"],
            ["--tls", "--tls-cert", files.path("both.pem")],
        ]
        for way in ways {
            let server = try ServeProcess(["-p", "0", "-q"] + way, scheme: "https")
            let arguments = ["-sS", "--cacert", files.authorityPath, "https://127.0.0.1:\(server.port)/bytes/100000"]
            for program in [Program.coroFetch, curl].compactMap({ $0 }) {
                #expect(try Program.run(program, arguments).output.count == 100_000)
            }
        }
    }

    @Test func `says of a certificate without a host name that clients refuse it`() throws {
        let files = try Certificates()
        try files.write(try files.issue([]), "server.pem", "server.key")
        let server = try serve("--tls-cert", files.path("server.pem"), "--tls-key", files.path("server.key"))
        let line = try #require(server.readLine())
        let warning = "without a host name (no subjectAltName), which clients refuse"
        #expect(line.hasPrefix("coro-serve: certificate \(warning), until 20"))
    }

    @Test func `says of a certificate out of its time that clients refuse it`() throws {
        let files = try Certificates()
        for (from, to, words) in [(-3, -1, "expired on 20"), (1, 3, "not valid before 20")] {
            var blank = TLSIdentity.Blank(names: ["localhost"])
            blank.notBefore = .days(from)
            blank.notAfter = .days(to)
            try files.write(try blank.sign(by: files.authority), "server.pem", "server.key")
            let server = try serve("--tls-cert", files.path("server.pem"), "--tls-key", files.path("server.key"))
            let line = try #require(server.readLine())
            #expect(line.hasPrefix("coro-serve: certificate for localhost \(words)"))
            #expect(line.hasSuffix("clients refuse it"))
        }
    }

    @Test func `serves with --ktls as without, and says so when the kernel has no TLS`() throws {
        let server = try serve("--tls", "--ktls")
        let (arguments, _) = try pasted(server)
        if !KernelTLS.isSupported {
            let line = try #require(server.readLine())
            #expect(line == "coro-serve: this kernel has no TLS, records are enciphered in the process")
        }
        #expect(try Program.run(Program.coroFetch, arguments).text == "Hello, world\n")
        server.send(SIGTERM)
        #expect(server.end() == (0, "", ""))
    }

    @Test func `reads its files again at SIGHUP, and open connections do not notice`() throws {
        let files = try Certificates()
        let (first, second) = (try files.issue(), try files.issue())
        try files.write(first, "server.pem", "server.key")
        let server = try serve("--tls-cert", files.path("server.pem"), "--tls-key", files.path("server.key"))
        for _ in 0..<2 { _ = server.readLine() }
        let url = "https://127.0.0.1:\(server.port)/"
        let (old, new) = (first.leaf.fingerprint, second.leaf.fingerprint)
        let loop = try EventLoop()
        defer { try? loop.close() }
        var configuration = HTTPClient.Configuration()
        configuration.tls.roots = .certificate(of: files.authority)
        configuration.tls.resumesSessions = false
        let kept = HTTPClient(on: loop, configuration: configuration)

        /// Whose certificate a fetch meets, and whether its connection was used before.
        func meet(_ client: HTTPClient) throws -> (String?, Bool) {
            try loop.runSync {
                let response = try await client.get(url)
                _ = try await response.body.collect()
                return (response.tls?.peerCertificate?.fingerprint, response.isConnectionReused)
            }
        }
        #expect(try meet(kept) == (old, false))
        try files.write(second, "server.pem", "server.key")
        server.send(SIGHUP)
        let told = try #require(server.readLine())
        #expect(told.hasPrefix("coro-serve: reloaded: CN=localhost until ") && told.hasSuffix(new))
        #expect(try meet(kept) == (old, true))
        #expect(try meet(HTTPClient(on: loop, configuration: configuration)) == (new, false))

        // A key that is not this certificate's: half of an update.
        try files.write(first.pem.key, to: "server.key")
        server.send(SIGHUP)
        let refused = try #require(server.readLine())
        #expect(refused.hasPrefix("coro-serve: kept the certificate it has: ") && refused.contains("key"))
        #expect(try meet(kept) == (old, true))
        #expect(try meet(HTTPClient(on: loop, configuration: configuration)) == (new, false))
        server.send(SIGTERM)
        #expect(server.end() == (0, "", ""))
    }

    @Test func `says where it cannot write the certificate that it has made`() throws {
        let result = try RunningProgram(
            try #require(ServeProcess.path), ["--tls", "-p", "0"], environment: ["TMPDIR=/nonexistent"]
        ).wait()
        #expect(result.status == 2)
        let sentence = "The certificate cannot be written to /nonexistent: No such file or directory."
        #expect(result.errors.hasPrefix("coro-serve: \(sentence)\n"), "\(result.errors)")
    }

    @Test func `ends with 2 when it cannot use what it is given`() throws {
        let files = try Certificates()
        try files.write(try files.issue(), "server.pem", "server.key")
        let certificate = files.path("server.pem")
        for (arguments, word) in [
            (["--tls-cert", "/nonexistent"], "/nonexistent: No such file"),
            (["--tls-cert", certificate], "private key"),
            (["--tls-cert", certificate, "--tls-key", files.authorityPath], files.authorityPath),
            (["--tls-key", certificate], "--tls-cert"), (["--tls=yes"], "--tls"), (["--tls-cert"], "--tls-cert"),
            (["--ktls"], "--tls"),
        ] {
            let (code, output, errors) = try ServeProcess(["-p", "0"] + arguments, waits: false).end()
            #expect(code == 2 && output == "", "\(arguments)")
            #expect(errors.hasPrefix("coro-serve: ") && errors.contains(word), "\(arguments): \(errors)")
        }
    }
}
#else

import CoroTesting
import Testing

@Suite(.ownThread) struct `coro-serve without TLS` {
    @Test func `says that it has none, and how to get it`() throws {
        let (code, _, errors) = try ServeProcess(["--tls"], waits: false).end()
        #expect(code == 2)
        #expect(errors.contains("--disable-default-traits") && errors.contains("libssl-dev"))
    }
}
#endif
