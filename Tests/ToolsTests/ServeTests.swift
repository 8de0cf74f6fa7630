import CoroTesting
import Foundation
import Glibc
import Testing

@Suite(.ownThread, .enabled(if: ServeProcess.path != nil, "coro-serve is not built."))
struct ServeTests {
    // MARK: Endpoints

    @Test func `the endpoints say what the help says`() throws {
        let server = try ServeProcess(["-p", "0", "--quiet"])
        for (target, status, end) in [
            ("/", 200, "\r\n\r\nHello, world\n"), ("/plaintext", 200, "\r\n\r\nHello, World!"),
            ("/json", 200, "\r\n\r\n{\"message\":\"Hello, World!\"}"), ("/delay/0.01", 200, "Waited 0.01 s\n"),
            ("/delay/0", 200, "s\n"), ("/delay/61", 400, "\n"), ("/delay/-1", 400, "\n"), ("/delay/inf", 400, "\n"),
            ("/delay/nan", 400, "\n"), ("/delay/0x1", 400, "\n"), ("/delay/1.2.3", 400, "\n"),
            ("/delay/%2E", 400, "\n"),
            ("/delay/", 404, "\n"), ("/bytes/5", 200, "\r\n\r\n\u{0}\u{1}\u{2}\u{3}\u{4}"),
            ("/bytes/0", 200, "\r\n\r\n"),
            ("/bytes/1073741825", 400, "\n"), ("/bytes/-1", 400, "\n"), ("/bytes/99999999999999999999", 400, "\n"),
            ("/stream/2", 200, "\r\n\r\nB\r\n{\"line\":0}\n\r\nB\r\n{\"line\":1}\n\r\n0\r\n\r\n"),
            ("/stream/x", 400, "\n"),
            ("/stream/100001", 400, "\n"), ("/status/404", 404, "404 Not Found\n"), ("/status/204", 204, "\r\n\r\n"),
            ("/status/304", 304, "\r\n\r\n"), ("/status/599", 599, "599\n"), ("/status/101", 400, "\n"),
            ("/status/600", 400, "\n"),
            ("/status/abc", 400, "\n"), ("/nope", 404, "\n"), ("/%", 400, "\n"), ("/headers/x", 404, "\n"),
        ] {
            let answer = ServeConnection.ask(server.port, target)
            #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(target)")
            #expect(answer.hasSuffix(end), "\(target)")
        }
        let fields = ServeConnection.ask(
            server.port, "/headers", fields: "X-Quote: a\"b\\c\t\u{E9}\r\nAccept: a\r\naccept: b\r\n")
        let json = try #require(fields.components(separatedBy: "\r\n\r\n").last?.data(using: .utf8))
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: String])
        #expect(object == ["Host": "test", "Connection": "close", "X-Quote": "a\"b\\c\t\u{E9}", "Accept": "a, b"])
        let echoed = ServeConnection.ask(
            server.port, "/echo", method: "PATCH", fields: "Content-Type: text/odd\r\nTransfer-Encoding: chunked\r\n",
            body: "2\r\nhi\r\n0\r\n\r\n")
        #expect(echoed.contains("Content-Type: text/odd\r\n") && echoed.hasSuffix("2\r\nhi\r\n0\r\n\r\n"))
        let refused = ServeConnection.ask(server.port, "/json", method: "POST")
        #expect(refused.hasPrefix("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, HEAD, OPTIONS\r\n"))
    }

    @Test func `a directory is served, and nothing beside it`() throws {
        let root = NSTemporaryDirectory() + "/coro-serve-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: root + "/public", withIntermediateDirectories: true)
        try Data("secret".utf8).write(to: URL(fileURLWithPath: root + "/secret.txt"))
        try Data("<p>hi</p>".utf8).write(to: URL(fileURLWithPath: root + "/public/a.html"))
        try FileManager.default.createSymbolicLink(atPath: root + "/public/out", withDestinationPath: "../secret.txt")
        let server = try ServeProcess([root + "/public", "--port=0", "-q"])
        let page = ServeConnection.ask(server.port, "/a.html")
        #expect(page.contains("Content-Type: text/html; charset=utf-8\r\n") && page.hasSuffix("\r\n\r\n<p>hi</p>"))
        #expect(ServeConnection.ask(server.port, "/").contains("href=\"./a.html\""))
        #expect(
            ServeConnection.ask(server.port, "/a.html", method: "HEAD").hasSuffix(
                "Content-Length: 9\r\nConnection: close\r\n\r\n"))
        #expect(ServeConnection.ask(server.port, "/a.html", method: "POST").hasPrefix("HTTP/1.1 405 "))
        for target in [
            "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/out", "//etc/passwd", "/a.html%00",
        ] {
            let answer = ServeConnection.ask(server.port, target)
            #expect(
                answer.hasPrefix("HTTP/1.1 4") && !answer.contains("secret\n") && !answer.hasSuffix("secret"),
                "\(target)")
        }
    }

    @Test func `an answer is a line on standard error: status, method, target, bytes, duration, peer`() throws {
        let server = try ServeProcess(["-p0"])
        let size = ServeConnection.ask(server.port, "/plaintext?x=1").utf8.count
        let line = try #require(server.readLine())
        #expect(line.hasPrefix("200 GET /plaintext?x=1 \(size) "))
        #expect(line.contains("ms 127.0.0.1:"))
        server.send(SIGTERM)
        #expect(server.end() == (0, "", ""))
    }

    @Test func `a log that nobody reads stops no answer, and is whole when it is read in the end`() throws {
        let server = try ServeProcess(["-p", "0"])
        let connection = try #require(ServeConnection(to: server.port))
        // More lines than a pipe or a socket holds, but not more than may wait.
        for _ in 0..<10 {
            connection.write(String(repeating: "GET /plaintext HTTP/1.1\r\nHost: test\r\n\r\n", count: 100))
            for _ in 0..<100 { #expect(connection.read(until: "Hello, World!").hasPrefix("HTTP/1.1 200 OK\r\n")) }
        }
        for _ in 0..<1_000 { #expect(server.readLine()?.hasPrefix("200 GET /plaintext ") == true) }
        server.send(SIGTERM)
        let end = server.end()
        #expect(end.code == 0 && end.errors.isEmpty)
    }

    @Test func `several loops share one port and stop together`() throws {
        let server = try ServeProcess(["--loops", "3", "-p", "0", "-q"])
        for _ in 0..<30 { #expect(ServeConnection.ask(server.port, "/").hasSuffix("Hello, world\n")) }
        server.send(SIGINT)
        #expect(server.end() == (0, "", ""))
    }

    // MARK: Signals

    /// A connection whose answer is under way: half of an upload is echoed already.
    private func halfAnswered(_ server: ServeProcess) throws -> ServeConnection {
        let connection = try #require(ServeConnection(to: server.port))
        connection.write("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf|")
        #expect(connection.read(until: "half|").hasPrefix("HTTP/1.1 200 "))
        return connection
    }

    /// Returns when the server takes no more connections: it has seen the signal.
    private func waitUntilRefused(_ server: ServeProcess) {
        for _ in 0..<2000 where ServeConnection(to: server.port) != nil { usleep(2000) }
    }

    // MARK: Sockets of a supervisor

    /// A socket at a port of its own, which the caller closes.
    private func supervised(isListening: Bool = true) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if isListening { listen(descriptor, 16) }
        return descriptor
    }

    @Test(arguments: [1, 2])
    func `sockets that it was started with are served, and outlive it`(_ loops: Int) throws {
        let sockets = [supervised(), supervised()]
        defer { for socket in sockets { close(socket) } }
        for _ in 1...2 {
            // -p is what it would do without them.
            let server = try ServeProcess(["-p", "1", "-q", "--loops", "\(loops)"], sockets: sockets)
            let second = try #require(server.readLine())
            let other = try #require(second.split(separator: ":").last.flatMap { UInt16($0.dropLast()) })
            #expect(second == "coro-serve: listening on http://0.0.0.0:\(other)/")
            for port in [server.port, other] {
                #expect(ServeConnection.ask(port, "/").hasSuffix("Hello, world\n"))
            }
            // Whoever comes while no server is there waits for the next one.
            server.send(SIGTERM)
            #expect(server.end() == (0, "", ""))
            #expect(ServeConnection(to: other) != nil)
        }
    }

    @Test func `a socket it was started with that does not listen is 1, with its number and the cure`() throws {
        let socket = supervised(isListening: false)
        defer { close(socket) }
        let (code, output, errors) = try ServeProcess(["-q"], waits: false, sockets: [socket]).end()
        #expect(code == 1 && output == "")
        #expect(errors.hasPrefix("coro-serve: Cannot listen at descriptor 3, which LISTEN_FDS says this was started"))
        #expect(errors.hasSuffix("in a systemd unit, that is ListenStream= with Accept=no.\n"))
    }

    @Test(arguments: [SIGINT, SIGTERM], [1, 2])
    func `a signal lets the answer under way finish, and the exit code is 0`(_ signal: Int32, _ loops: Int) throws {
        let server = try ServeProcess(["-p", "0", "-q", "--loops", "\(loops)"])
        let connection = try halfAnswered(server)
        let idle = try #require(ServeConnection(to: server.port))
        idle.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        #expect(idle.read(until: "world\n").hasPrefix("HTTP/1.1 200 "))
        server.send(signal)
        waitUntilRefused(server)
        #expect(idle.read() == "")
        connection.write("rest|")
        #expect(connection.read() == "rest|")
        #expect(server.end() == (0, "", ""))
    }

    @Test func `after three hundred connections, however they ended, it has as many descriptors as before`() throws {
        let server = try ServeProcess(["-p", "0", "--quiet"])
        let before = server.openDescriptors
        #expect(before > 3)
        for round in 1...100 {
            _ = ServeConnection.ask(server.port, "/stream/3")
            // Kept alive and then left; and left in the middle of a head, or of an answer that is on its way.
            let kept = ServeConnection(to: server.port)
            kept?.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            _ = kept?.read(until: "Hello, world\n")
            let left = ServeConnection(to: server.port)
            left?.write(round % 2 == 0 ? "GET / HTT" : "GET /bytes/9000000 HTTP/1.1\r\nHost: test\r\n\r\n")
        }
        // The last ones are closed as soon as the server hears of it.
        for _ in 0..<2_000 where server.openDescriptors != before { usleep(2_000) }
        #expect(server.openDescriptors == before)
    }

    @Test func `a second signal ends at once`() throws {
        let server = try ServeProcess(["-p", "0", "-q"])
        let connection = try halfAnswered(server)
        server.send(SIGTERM)
        waitUntilRefused(server)
        server.send(SIGINT)
        #expect(server.end().code == 128 + SIGINT)
        #expect(connection.read() == "")
    }

    // MARK: The command line

    @Test func `help and version go to standard output`() throws {
        for option in ["-h", "--help"] {
            let (code, output, errors) = try ServeProcess([option], waits: false).end()
            #expect(code == 0 && errors == "")
            #expect(output.hasPrefix("coro-serve: "))
            for word in ["--port", "--bind", "--loops", "--quiet", "Examples:", "/delay/", "Exit codes:"] {
                #expect(output.contains(word))
            }
            #expect(output.split(separator: "\n").allSatisfy { $0.count <= 100 })
        }
        for option in ["-V", "--version"] {
            let (code, output, errors) = try ServeProcess([option], waits: false).end()
            #expect(code == 0 && errors == "")
            #expect(output.hasPrefix("coro-serve ") && output.hasSuffix("\n"))
        }
    }

    @Test(arguments: [
        (["--prot", "1"], "--prot"), (["-p"], "-p"), (["-p", "x"], "x"), (["--port=70000"], "70000"),
        (["-p", "-1"], "-1"),
        (["-b", "nonsense"], "nonsense"), (["-b", ""], "--bind"), (["--loops", "0"], "0"), (["--loops"], "--loops"),
        (["--quiet=yes"], "--quiet"), (["/tmp", "/"], "/"), (["/nonexistent/directory"], "/nonexistent/directory"),
        (["--", "-x"], "-x"), ([""], "empty"),
    ])
    func `a wrong command line is 2, with what is wrong and where to read on`(_ arguments: [String], _ names: String)
        throws
    {
        let (code, output, errors) = try ServeProcess(arguments, waits: false).end()
        #expect(code == 2)
        #expect(output == "")
        #expect(errors.hasPrefix("coro-serve: ") && errors.contains(names))
    }

    @Test func `a port in use is 1, with the port and the cure; so is an address of somebody else`() throws {
        let server = try ServeProcess(["-p", "0", "-q"])
        let (code, output, errors) = try ServeProcess(["-p", "\(server.port)"], waits: false).end()
        #expect(code == 1 && output == "")
        #expect(errors.contains("Port \(server.port) is in use") && errors.contains("--port"))
        let other = try ServeProcess(["-p", "0", "-b", "192.0.2.1"], waits: false).end()
        #expect(other.code == 1 && other.errors.contains("--bind"))
    }
}
