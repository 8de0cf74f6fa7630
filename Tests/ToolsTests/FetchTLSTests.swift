// coro-fetch over TLS: each option, each of curl's numbers, and the sentences.
#if TLS

import Coro
import CoroTLS
import CoroTesting
import Foundation
import Testing

private let curl = Program.find("curl")
private let openssl = Program.find("openssl")

@Suite(.ownThread) struct `coro-fetch over TLS` {
    @Test func `fetches from whom --cacert vouches for, from nobody else, and with -k from anybody`() throws {
        let files = try Certificates()
        let server = try SecureServer(files.issue())
        let trusted = try Program.fetch("--cacert", files.authorityPath, server.host)
        #expect(trusted.text == "\(server.address) nobody\n")
        #expect(trusted.errors == "")
        #expect(trusted.status == 0)

        let stranger = try Program.fetch(server.host)
        #expect(stranger.status == 60)
        #expect(stranger.output.isEmpty)
        #expect(stranger.errors.hasPrefix("coro-fetch: (60) The peer's certificate “CN=localhost” was issued by "))
        #expect(stranger.errors.contains("--cacert FILE") && stranger.errors.contains("-k "))
        #expect(stranger.errors.split(separator: "\n").count == 1)

        #expect(try Program.fetch("-k", server.host).status == 0)
    }

    @Test func `says what is wrong with a certificate, since when, and for whom it is`() throws {
        let files = try Certificates()
        let expired = try SecureServer(
            files.issue {
                $0.notBefore = .days(-400)
                $0.notAfter = .days(-324)
            })
        let old = try Program.fetch("--cacert", files.authorityPath, expired.host)
        #expect(old.status == 60)
        #expect(old.errors.contains("“CN=localhost” expired on 20") && old.errors.contains(" UTC, 324 days ago."))

        let early = try SecureServer(
            files.issue {
                $0.notBefore = .seconds(2 * 86_400 + 3600)
                $0.notAfter = .days(9)
            })
        let young = try Program.fetch("--cacert", files.authorityPath, early.host)
        #expect(young.status == 60)
        #expect(young.errors.contains("is not valid before 20") && young.errors.contains("in 2 days"))

        let other = try SecureServer(files.issue(["example.test"]))
        let wrong = try Program.fetch("--cacert", files.authorityPath, other.host)
        #expect(wrong.status == 60)
        #expect(wrong.errors.contains("is not for 127.0.0.1, but for example.test."))
        #expect(wrong.errors.contains("--resolve"))
    }

    @Test func `reaches under any name what --resolve says`() throws {
        let files = try Certificates()
        let server = try SecureServer(files.issue(["api.test", "*.other.test"]))
        let ca = files.authorityPath
        let port = server.port
        let one = try Program.fetch(
            "--cacert", ca, "--resolve", "api.test:\(port):127.0.0.1", "https://API.test:\(port)/")
        #expect(one.text == "api.test:\(port) nobody\n")
        let any = try Program.fetch(
            "--cacert", ca, "--resolve", "*:\(port):[::1],127.0.0.1", "https://api.test:\(port)/",
            "https://x.other.test:\(port)/")
        #expect(any.status == 0)
        #expect(any.text == "api.test:\(port) nobody\nx.other.test:\(port) nobody\n")
        let elsewhere = try Program.fetch("--resolve", "api.test:1:127.0.0.1", "https://api.test:\(port)/")
        #expect(elsewhere.status == 6)
        for wrong in ["api.test", "api.test:443", "api.test:x:127.0.0.1", "api.test:443:nonsense", ":443:127.0.0.1"] {
            let result = try Program.fetch("--resolve", wrong, "http://localhost")
            #expect(result.status == 2, "\(wrong)")
            #expect(result.errors.contains("HOST:PORT:ADDRESS"))
        }
    }

    @Test func `shows the certificate of --cert, with its key from where that is`() throws {
        let files = try Certificates()
        let roots = TLSRoots.certificate(of: files.authority)
        let server = try SecureServer(files.issue(), .init(clients: .required(roots)))
        let ada = try files.issue(["ada"])
        try files.write(ada, "ada.pem", "ada.key")
        try files.write(ada.pem.certificates + ada.pem.key, to: "both.pem")
        let ca = ["--cacert", files.authorityPath]
        let ways = [
            ["--cert", files.path("ada.pem"), "--key", files.path("ada.key")], ["-E", files.path("both.pem")],
        ]
        for way in ways {
            let result = try Program.run(Program.coroFetch, ca + way + [server.host])
            #expect(result.text == "\(server.address) CN=ada\n")
            #expect(result.status == 0, "\(result.errors)")
        }
        let nobody = try Program.run(Program.coroFetch, ca + [server.host])
        // TLS 1.3 tells a client only after its handshake; curl's number for that is the same.
        #expect(nobody.status == 56)
        #expect(nobody.errors.contains("wants a certificate"))
    }

    @Test(.enabled(if: openssl != nil, "openssl is not installed"))
    func `decrypts a key with the password of --pass, or that behind --cert's colon`() throws {
        let files = try Certificates()
        let server = try SecureServer(
            files.issue(), .init(clients: .required(.certificate(of: files.authority))))
        try files.write(try files.issue(["ada"]), "ada.pem", "ada.key")
        let locked = try Program.run(
            try #require(openssl),
            [
                "pkcs8", "-topk8", "-in", files.path("ada.key"), "-passout", "pass:s:3cret", "-out",
                files.path("locked.key"),
            ])
        try #require(locked.status == 0)
        let base = ["--cacert", files.authorityPath, "--key", files.path("locked.key"), server.host]
        let certificate = files.path("ada.pem")
        for way in [["--cert", "\(certificate):s:3cret"], ["--cert", certificate, "--pass", "s:3cret"]] {
            #expect(try Program.run(Program.coroFetch, way + base).text.hasSuffix("CN=ada\n"))
        }
        for (way, word) in [
            (["--cert", certificate], "missing"), (["--cert", "\(certificate):wrong"], "wrong"),
        ] {
            let result = try Program.run(Program.coroFetch, way + base)
            #expect(result.status == 58)
            #expect(result.errors.contains("the password is \(word)"))
        }
    }

    @Test(.enabled(if: openssl != nil, "openssl is not installed"))
    func `trusts the authorities in the directory of --capath`() throws {
        let files = try Certificates()
        let server = try SecureServer(files.issue())
        let hash = try Program.run(try #require(openssl), ["x509", "-hash", "-noout", "-in", files.authorityPath])
        try files.write(files.authority.pem.certificates, to: "\(hash.text.prefix(8)).0")
        #expect(try Program.fetch("--capath", files.folder.url.path, server.host).status == 0)
        #expect(try Program.fetch("--capath", "/proc/self", server.host).status == 60)
    }

    @Test func `ends with curl's number for files that cannot be used`() throws {
        let files = try Certificates()
        let server = try SecureServer(files.issue())
        try files.write(try files.issue(["ada"]), "ada.pem", "ada.key")
        try files.write("nothing of the kind\n", to: "none.pem")
        let (ca, certificate, none) = (files.authorityPath, files.path("ada.pem"), files.path("none.pem"))
        for (arguments, code, word) in [
            (["--cacert", "/nonexistent"], 77, "/nonexistent: No such file"), (["--cacert", none], 77, none),
            (["--cert", "/nonexistent"], 58, "/nonexistent: No such file"), (["--cert", none], 58, none),
            (["--cert", certificate], 58, "no private key"),
            (["--cert", ca, "--key", files.path("ada.key")], 58, "not that of the certificate"),
            (["--key", certificate], 2, "--cert"), (["--tlsv1.3", "--tls-max", "1.2"], 2, "--tls-max"),
            (["--tls-max", "1.1"], 2, "1.1"),
        ] as [([String], Int32, String)] {
            let result = try Program.run(Program.coroFetch, arguments + [server.host])
            #expect(result.status == code, "\(arguments)")
            #expect(result.errors.hasPrefix("coro-fetch: (\(code)) ") && result.errors.contains(word), "\(arguments)")
        }
    }

    @Test(.enabled(if: curl != nil, "curl is not installed"))
    func `agrees with curl about certificates that the lists of --crlfile tell of`() throws {
        let files = try Certificates()
        let identity = try files.issue()
        let server = try SecureServer(identity)
        let authority = files.authority
        try files.write(try authority.revocationList(), to: "none.crl")
        try files.write(
            try authority.revocationList([.init(identity, since: .days(-2), because: .keyCompromise)]), to: "it.crl")
        try files.write(
            try authority.revocationList([], from: .days(-9), until: .seconds(-2 * 86_400 - 60)), to: "old.crl")
        var stranger = TLSIdentity.Blank(names: [], commonName: "Stranger")
        stranger.isAuthority = true
        try files.write(try stranger.sign(by: nil).revocationList(), to: "other.crl")
        for (file, code, number, word) in [
            ("none.crl", 0, 0, ""), ("it.crl", 60, 23, "UTC, 2 days ago: its key is known to others."),
            ("old.crl", 60, 12, "2 days ago. --crlfile "),
            ("other.crl", 60, 3, "no revocation list of its issuer “CN=Tools Test Root” is at hand. --crlfile "),
            ("ca.pem", 82, 1, "there is no revocation list in it"), ("missing", 82, 1, "No such file or directory"),
        ] as [(String, Int32, Int, String)] {
            for insecure in [[], ["-k"]] {
                let arguments =
                    insecure + ["-sS", "-o", "/dev/null", "-w", "%{ssl_verify_result}", "--crlfile", files.path(file)]
                    + ["--cacert", files.authorityPath, server.host]
                let theirs = try Program.run(try #require(curl), arguments)
                let ours = try Program.run(Program.coroFetch, arguments)
                let isChecked = insecure.isEmpty || code == 82
                #expect(theirs.status == (isChecked ? code : 0), "\(file): \(theirs.errors)")
                #expect(ours.status == theirs.status, "\(file): \(ours.errors)")
                #expect(theirs.text == (isChecked ? "\(number)" : "20"), "\(file)")
                #expect(ours.text == theirs.text, "\(file)")
                if isChecked, code != 0 {
                    #expect(
                        ours.errors.hasPrefix("coro-fetch: (\(code)) ") && ours.errors.contains(word), "\(ours.errors)")
                }
            }
        }
        // Whom nobody vouches for at all is no matter of lists, and plain HTTP needs none.
        #expect(try Program.fetch("--crlfile", files.path("none.crl"), server.host).status == 60)
        let plain = try ServeProcess(["-p", "0", "-q"])
        #expect(try Program.fetch("--crlfile", "/nonexistent", "http://127.0.0.1:\(plain.port)/").status == 0)
    }

    @Test(.enabled(if: curl != nil, "curl is not installed"))
    func `agrees with curl that --cacert may name the server itself, or an authority below the root`() throws {
        let files = try Certificates()
        var blank = TLSIdentity.Blank(names: [], commonName: "Department")
        blank.isAuthority = true
        let department = try blank.sign(by: files.authority)
        let identity = try TLSIdentity.Blank(names: ["127.0.0.1"]).sign(by: department)
        let server = try SecureServer(identity)
        let end = "-----END CERTIFICATE-----\n"
        let leaf = try #require(identity.pem.certificates.range(of: end)).upperBound
        try files.write(String(identity.pem.certificates[..<leaf]), to: "leaf.pem")
        try files.write(department, "department.pem", "department.key")
        for file in ["ca.pem", "department.pem", "leaf.pem"] {
            let arguments = ["-sS", "--cacert", files.path(file), server.host]
            let theirs = try Program.run(try #require(curl), arguments)
            let ours = try Program.run(Program.coroFetch, arguments)
            #expect(theirs.status == 0 && ours.status == 0, "\(file): \(ours.errors)")
        }
    }

    @Test(.enabled(if: curl != nil, "curl is not installed"))
    func `agrees with curl about OpenSSL's number for a certificate, with -k and without`() throws {
        let files = try Certificates()
        // Another authority, which is sent along and trusted by nobody.
        var blank = TLSIdentity.Blank(names: [], commonName: "Stranger")
        blank.isAuthority = true
        let stranger = try blank.sign(by: nil)
        let strange = try TLSIdentity.Blank(names: ["127.0.0.1"]).sign(by: stranger)
        let servers =
            [
                ("good", try files.issue(), 0, 20), ("another's", try files.issue(["example.test"]), nil, 20),
                ("expired", try files.issue { ($0.notBefore, $0.notAfter) = (.days(-9), .days(-2)) }, 10, 20),
                ("self-signed", try TLSIdentity.selfSigned(), 18, 18),
                (
                    "with a root of its own",
                    try TLSIdentity(
                        certificates: strange.pem.certificates + stranger.pem.certificates,
                        key: strange.pem.key), 19, 19
                ),
            ] as [(String, TLSIdentity, Int?, Int)]
        for (name, identity, checked, unchecked) in servers {
            let server = try SecureServer(identity)
            for (insecure, number) in [([], checked), (["-k"], unchecked)] {
                let arguments =
                    insecure + ["-s", "-o", "/dev/null", "-w", "%{ssl_verify_result}", "--cacert", files.authorityPath]
                    + [server.host]
                let theirs = try Program.run(try #require(curl), arguments)
                let ours = try Program.run(Program.coroFetch, arguments)
                #expect(ours.status == theirs.status, "\(name)")
                // Whose certificate it is curl looks itself, and has no number of OpenSSL's for that.
                guard let number else { continue }
                #expect(theirs.text == "\(number)", "\(name)")
                #expect(ours.text == theirs.text, "\(name)")
            }
        }
        for arguments in [["--cacert", "/nonexistent"], ["-k", "--tls-max", "1.2"]] {
            let server = try SecureServer(files.issue(), .init(versions: .tls13 ... .tls13))
            let words = arguments + ["-s", "-w", "%{ssl_verify_result} %{exitcode}", server.host]
            let theirs = try Program.run(try #require(curl), words)
            #expect(try Program.run(Program.coroFetch, words).text == theirs.text, "\(arguments)")
            #expect(theirs.text.hasPrefix("1 "))
        }
    }

    @Test func `ends with 35 when the two sides cannot agree, or one of them speaks no TLS`() throws {
        let files = try Certificates()
        let modern = try SecureServer(files.issue(), .init(versions: .tls13 ... .tls13))
        let old = try SecureServer(files.issue(), .init(versions: .tls12 ... .tls12))
        for (option, good, bad) in [("--tls-max=1.2", old, modern), ("--tlsv1.3", modern, old)] {
            #expect(try Program.fetch("-k", option, good.host).status == 0)
            let result = try Program.fetch("-k", option, bad.host)
            #expect(result.status == 35)
            #expect(result.errors.contains("no TLS version in common"))
        }
        let plain = try ServeProcess(["-p", "0", "-q"])
        let result = try Program.fetch("-k", "https://127.0.0.1:\(plain.port)/")
        #expect(result.status == 35)
        #expect(result.errors.contains("does not speak TLS on this port"))
    }

    @Test func `tells with -v and -w what was agreed on`() throws {
        let files = try Certificates()
        let server = try SecureServer(files.issue())
        let format = "%{scheme} %{ssl_verify_result} %{time_appconnect} %{time_connect}"
        let result = try Program.fetch("-v", "--cacert", files.authorityPath, "-w", format, server.host)
        for line in [
            "* TLS: TLSv1.3 / TLS_AES_256_GCM_SHA384\n", "* ALPN: the server chose http/1.1\n",
            "*   subject: CN=localhost\n", "*   issuer: CN=Tools Test Root\n", "*   names: localhost, 127.0.0.1\n",
            "* The certificate was checked, and is good for this host.\n",
        ] { #expect(result.errors.contains(line)) }
        let words = try #require(result.text.split(separator: "\n").last).split(separator: " ")
        #expect(words.prefix(2) == ["HTTPS", "0"])
        let (secured, connected) = (try #require(Double(words[2])), try #require(Double(words[3])))
        #expect(connected > 0 && secured > connected)
        #expect(try Program.fetch("-s", "-w", "%{ssl_verify_result}", server.host).text == "20")
        let unchecked = try Program.fetch("-kv", "-w", "%{ssl_verify_result}", server.host)
        #expect(unchecked.text.hasSuffix("\n20"))
        #expect(unchecked.errors.contains("was not checked (-k)"))
    }

    @Test(.enabled(if: curl != nil, "curl is not installed"))
    func `agrees with curl about an answer that was cut without close_notify`() throws {
        let files = try Certificates()
        let identity = try files.issue()
        let cutter = try LoopThread(name: "cutter")
        defer { try? cutter.stop() }
        let loop = try EventLoop()
        defer { try? loop.close() }
        let theirs = cutter.loop
        let listener = try loop.runSync {
            try await theirs.spawn {
                let listener = try Listener(on: theirs, address: .loopback(port: 0))
                theirs.spawn {
                    while let stream = try await listener.accept() {
                        theirs.spawn {
                            try await stream.startTLS(try TLSServer(identity))
                            var target = ""
                            var line = ""
                            while line != "\r\n" {
                                line = String(decoding: try await stream.read(until: 10), as: UTF8.self)
                                if target.isEmpty { target = line }
                            }
                            let answer =
                                switch target.split(separator: " ")[1] {
                                case "/silent": ""
                                case "/whole": "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf"
                                case "/long": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
                                default: "HTTP/1.1 200 OK\r\n\r\nhalf"
                                }
                            try await stream.write(answer)
                            stream.layer?.close(orderly: false)
                            stream.close()
                        }
                    }
                }
                return listener
            }.value
        }
        for (path, code, output) in [("/whole", 0, "half"), ("/long", 18, "half"), ("/silent", 52, "")] {
            let arguments = ["-sS", "--cacert", files.authorityPath, "https://\(listener.address)\(path)"]
            let theirs = try Program.run(try #require(curl), arguments)
            let ours = try Program.run(Program.coroFetch, arguments)
            #expect(theirs.status == code && ours.status == code, "\(path): \(ours.errors) \(theirs.errors)")
            #expect(ours.text == output)
        }
        // curl takes this for the whole; anybody on the way could have cut it.
        let unsure = try Program.fetch("--cacert", files.authorityPath, "https://\(listener.address)/")
        #expect(unsure.status == 18)
        #expect(unsure.text == "half")
    }
}
#else

import CoroTesting
import Testing

@Suite(.ownThread) struct `coro-fetch without TLS` {
    @Test func `says that it has none, and how to get it`() throws {
        let result = try Program.fetch("https://localhost/")
        #expect(result.status == 4)
        #expect(result.errors.contains("--disable-default-traits") && result.errors.contains("libssl-dev"))
    }
}
#endif
