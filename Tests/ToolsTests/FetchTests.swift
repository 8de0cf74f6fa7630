// coro-fetch as a process: what it prints where, and the number it ends with.

import CoroTesting
import Foundation
import Testing

@Suite(.ownThread) struct `coro-fetch` {
    /// Runs `body` with a server that answers by path.
    private func serving(_ answers: [String: CannedServer.Answer], _ body: (CannedServer) throws -> Void) throws {
        let server = try CannedServer(answers)
        defer { server.stop() }
        try body(server)
    }

    // MARK: Output

    @Test func `prints the body on standard output and nothing else`() throws {
        try serving(["/": canned("hello\n")]) { server in
            let result = try Program.fetch("http://\(server.host)/")
            #expect(result.text == "hello\n")
            #expect(result.errors == "")
            #expect(result.status == 0)
        }
    }

    @Test func `prints bodies in the order of the arguments, whichever comes first`() throws {
        var slow = canned("1")
        slow.delay = 150
        let large = String(repeating: "2", count: 100_000)
        try serving(["/1": slow, "/2": canned(large), "/3": canned("3")]) { server in
            let result = try Program.fetch("\(server.host)/1", "\(server.host)/2", "\(server.host)/3")
            #expect(result.text == "1" + large + "3")
            #expect(result.status == 0)
        }
    }

    @Test func `fetches all URLs at the same time`() throws {
        var slow = canned("x")
        slow.delay = 200
        try serving(["/": slow]) { server in
            let clock = ContinuousClock()
            let elapsed = try clock.measure {
                let result = try Program.run(Program.coroFetch, Array(repeating: "http://\(server.host)/", count: 20))
                #expect(result.text == String(repeating: "x", count: 20))
            }
            // One after the other they would take four seconds.
            #expect(elapsed < .seconds(2))
        }
    }

    @Test func `writes files with -o and -O, each for the URL in its place`() throws {
        try serving(["/a": canned("first"), "/d/b.txt": canned("second"), "/c": canned("third")]) { server in
            let folder = try TemporaryFolder()
            let host = server.host
            let result = try Program.fetch(
                in: folder, "-o", "one", "\(host)/a", "-O", "\(host)/d/b.txt", "\(host)/c")
            #expect(try String(contentsOf: folder.file("one"), encoding: .utf8) == "first")
            #expect(try String(contentsOf: folder.file("b.txt"), encoding: .utf8) == "second")
            #expect(result.text == "third")
        }
    }

    @Test func `shows heads with -i, and only them with -I`() throws {
        try serving(["/": canned("hi", fields: "X-One: 1\r\n")]) { server in
            let head = "HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 2\r\n\r\n"
            let included = try Program.fetch("-i", server.host)
            #expect(included.text == head + "hi")
            let asked = try Program.fetch("-I", server.host)
            #expect(asked.text == head)
            #expect(server.requests.last?.hasPrefix("HEAD / ") == true)
        }
    }

    @Test func `tells with -v on standard error what is sent and received`() throws {
        try serving(["/": canned("hi")]) { server in
            let result = try Program.fetch("-v", server.host)
            #expect(result.text == "hi")
            #expect(result.errors.contains("> GET / HTTP/1.1\n> Host: \(server.host)\n"))
            #expect(result.errors.contains("< HTTP/1.1 200 OK\n< Content-Length: 2\n<\n"))
        }
    }

    @Test func `lets no answer command the terminal that -v writes to`() throws {
        try serving(["/": canned("hi", fields: "X: a\u{9B}2Jb\r\n")]) { server in
            let result = try Program.fetch("-v", server.host)
            #expect(result.errors.contains("< X: a?2Jb\n"))
        }
    }

    @Test func `writes with -w what curl would`() throws {
        try serving(["/x": canned("hi", fields: "Content-Type: text/plain\r\n")]) { server in
            let format =
                #"\n%{http_code}\t%{size_download} %{content_type} %{url_effective} %{nothing}%%%header{content-type}\n"#
            let result = try Program.fetch("-w", format, "\(server.host)/x")
            #expect(result.text == "hi\n200\t2 text/plain http://\(server.host)/x %text/plain\n")
        }
        let failed = try Program.fetch("-s", "-w", "%{http_code} %{exitcode}", "127.0.0.1:1")
        #expect(failed.text == "000 7")
    }

    @Test func `draws with --timing where the time went`() throws {
        try serving(["/": canned("hi")]) { server in
            let result = try Program.fetch("--timing", server.host)
            #expect(result.text == "hi")
            for step in ["resolve", "connect", "send", "wait", "receive", "total"] {
                #expect(result.errors.contains(step))
            }
        }
    }

    // MARK: Requests

    @Test func `sends what -d, -H, -A, -u and -X say`() throws {
        try serving(["/": canned("")]) { server in
            _ = try Program.fetch(
                "-d", "a=1", "--data", "b=2", "-HX-One: 1", "-A", "me", "-u", "Aladdin:open sesame", server.host)
            let form = try #require(server.requests.last)
            #expect(form.hasPrefix("POST / HTTP/1.1\r\nHost: \(server.host)\r\nUser-Agent: me\r\n"))
            #expect(form.contains("\r\nX-One: 1\r\n"))
            #expect(form.contains("\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"))
            #expect(form.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n"))
            #expect(form.hasSuffix("\r\n\r\na=1&b=2"))
            _ = try Program.fetch("-XPUT", "--json={}", "-H", "Accept:", server.host)
            let json = try #require(server.requests.last)
            #expect(json.hasPrefix("PUT / "))
            #expect(json.contains("\r\nContent-Type: application/json\r\n"))
            #expect(!json.contains("Accept"))
            _ = try Program.fetch("-d", "@-", server.host, input: "x\r\ny\n")
            #expect(server.requests.last?.hasSuffix("\r\n\r\nxy") == true)
            _ = try Program.fetch("--data-binary", "@-", server.host, input: "x\r\ny\n")
            #expect(server.requests.last?.hasSuffix("\r\n\r\nx\r\ny\n") == true)
        }
    }

    @Test func `follows redirects with -L only, and at most --max-redirs`() throws {
        let moved = canned("moved", status: "302 Found", fields: "Location: /new\r\n")
        let loop = canned("", status: "302 Found", fields: "Location: /loop\r\n")
        try serving(["/old": moved, "/new": canned("new"), "/loop": loop]) { server in
            #expect(try Program.fetch("\(server.host)/old").text == "moved")
            #expect(try Program.fetch("-L", "\(server.host)/old").text == "new")
            let result = try Program.fetch("-L", "--max-redirs", "3", "\(server.host)/loop")
            #expect(result.status == 47)
            #expect(result.errors.contains("More than 3 redirects"))
        }
    }

    // MARK: Failures

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 18, "abc"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 18, "abc"),
        ("HTTP/1.1 200 OK\r\nContent-", 18, ""), ("", 52, ""), ("nonsense\r\n", 8, ""),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", 56, ""),
    ]) func `never takes a broken answer for a good one`(answer: String, code: Int32, output: String) throws {
        try serving(["/": CannedServer.Answer(bytes: answer)]) { server in
            let result = try Program.fetch(server.host)
            #expect(result.status == code)
            #expect(result.text == output)
            #expect(result.errors.hasPrefix("coro-fetch: (\(code)) "))
            #expect(result.errors.split(separator: "\n").count == 1)
        }
    }

    @Test func `says in one line what failed and what to do`() throws {
        let refused = try Program.fetch("http://127.0.0.1:1/")
        #expect(refused.status == 7)
        #expect(
            refused.errors == "coro-fetch: (7) Could not connect to 127.0.0.1:1: Connection refused. "
                + "Is the server running, and is this its port?\n")
        #expect(try Program.fetch("-s", "http://127.0.0.1:1/").errors == "")
        let twice = try Program.fetch("--resolve", "two.test:1:127.0.0.1,127.0.0.2", "http://two.test:1/")
        #expect(twice.status == 7)
        #expect(
            twice.errors == "coro-fetch: (7) Could not connect to 127.0.0.1:1: Connection refused; "
                + "127.0.0.2:1: Connection refused. Is the server running, and is this its port?\n")
        #expect(try Program.fetch("-sS", "http://127.0.0.1:1/").errors == refused.errors)
    }

    @Test(
        arguments: [
            (["ftp://localhost/"], 1), (["http://a b/"], 3), (["http://host.invalid/"], 6),
            ([], 2), (["--nonsense", "x"], 2), (["-m", "soon", "x"], 2), (["-o"], 2), (["-I", "-d", "x", "y"], 2),
            (["-H", "no colon", "localhost"], 2), (["-d", "@/nonexistent", "x"], 26), (["--", "-x y"], 3),
        ] as [([String], Int32)]) func `ends with curl's number`(arguments: [String], code: Int32) throws
    {
        let result = try Program.run(Program.coroFetch, arguments)
        #expect(result.status == code)
        #expect(result.errors.hasPrefix("coro-fetch: (\(code)) "))
        #expect(result.output.isEmpty)
    }

    @Test func `ends with the code of the first URL that failed`() throws {
        try serving(["/": canned("ok"), "/404": canned("gone", status: "404 Not Found")]) { server in
            let host = server.host
            let result = try Program.fetch("-f", host, "\(host)/404", "127.0.0.1:1", host)
            #expect(result.status == 22)
            #expect(result.text == "okok")
            #expect(result.errors.contains("(22) \(host)/404: The server answered 404 Not Found."))
            #expect(try Program.fetch("127.0.0.1:1", "-f", "\(host)/404").status == 7)
            #expect(try Program.fetch("--fail-with-body", "\(host)/404").text == "gone")
            #expect(try Program.fetch("\(host)/404").status == 0)
        }
    }

    @Test func `gives up after -m`() throws {
        var late = canned("late")
        late.delay = 5000
        try serving(["/": late]) { server in
            let result = try Program.fetch("-m", "0.1", server.host)
            #expect(result.status == 28)
            #expect(result.errors.contains("waiting for the answer"))
        }
    }

    @Test func `ends quietly with 23 when nobody reads its output`() throws {
        try serving(["/": canned(String(repeating: "x", count: 1_000_000))]) { server in
            let script = "'\(Program.coroFetch)' \(server.host) | head -c 1; echo \" ${PIPESTATUS[0]}\""
            let result = try Program.run("/bin/bash", ["-c", script])
            #expect(result.text == "x 23\n")
            #expect(result.errors == "")
        }
        try serving(["/": canned("x")]) { server in
            let closed = try Program.run("/bin/sh", ["-c", "exec '\(Program.coroFetch)' \(server.host) >&-"])
            #expect(closed.status == 23)
        }
        try serving(["/": canned("x")]) { server in
            let result = try Program.fetch("-o", "/nonexistent/file", server.host)
            #expect(result.status == 23)
            #expect(result.errors.contains("Cannot write /nonexistent/file: No such file or directory"))
        }
    }

    @Test func `ends with 130 when interrupted`() throws {
        var late = canned("late")
        late.delay = 5000
        try serving(["/": late]) { server in
            let process = try RunningProgram(Program.coroFetch, [server.host])
            while server.requests.isEmpty { usleep(1000) }
            process.signal(SIGINT)
            let result = try process.wait()
            #expect(result.hasExited)
            #expect(result.status == 130)
        }
    }

    // MARK: Help

    @Test func `teaches with --help, and shows its version`() throws {
        let help = try Program.fetch("--help")
        #expect(help.status == 0)
        #expect(help.errors == "")
        for word in ["Usage:", "Examples:", "Exit codes", "--max-redirs", "%{http_code}", "  130  "] {
            #expect(help.text.contains(word))
        }
        #expect(help.text.split(separator: "\n").allSatisfy { $0.count <= 120 })
        #expect(try Program.fetch("-V").text.hasPrefix("coro-fetch "))
        #expect(try Program.fetch("--tming", "x").errors.contains("Did you mean --timing?"))
    }
}
