// Clients that somebody else wrote.

import Coro
import CoroTesting
import Foundation
import Http
import Testing

@Suite(.ownThread) struct EndToEndTests {
    static let curl = tool("curl")
    static let python = tool("python3")

    /// Where a program is; nil when the machine does not have it.
    private static func tool(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs a program beside the server's loop and returns what it printed.
    private static func output(of path: String?, _ arguments: [String], on loop: EventLoop) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        let printed = loop.promise(of: String.self)
        try process.run()
        Thread.detachNewThread {
            let data = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            printed.trySucceed(String(decoding: data, as: UTF8.self))
        }
        return try await printed.future.value
    }

    private static var router: Router {
        var router = Router()
        router.get("/") { _ in .text("Hello, world\n") }
        router.get("/chunks") { _ in .stream { writer in for _ in 0..<1000 { try await writer.write("chunk\n") } } }
        router.add(nil, "/echo", echo)
        return router
    }

    @Test(.enabled(if: curl != nil))
    func `a listener of one's own is served, such as a unix socket that others may connect to`() async throws {
        try await withServer(handler: Self.router.handler) { served in
            let path = NSTemporaryDirectory() + "/coro-http-\(UUID().uuidString).socket"
            let address = try #require(SocketAddress(path: path))
            let listener = try Listener(on: served.loop, address: address, mode: 0o666)
            try await served.server.listen(on: listener)
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o666)
            let answer = try await Self.output(
                of: Self.curl, ["-sS", "--unix-socket", path, "http://anybody/"], on: served.loop)
            #expect(answer == "Hello, world\n")
            await served.server.shutdown(grace: .zero)
            #expect(!listener.isOpen)
            #expect(!FileManager.default.fileExists(atPath: path))
            // Too late: it is closed, and nobody waits at it.
            let late = try Listener(on: served.loop, address: .loopback(port: 0))
            try await served.server.listen(on: late)
            #expect(!late.isOpen)
        }
    }

    @Test(.enabled(if: curl != nil))
    func `curl reuses its connection, uploads with and without a length, and reads chunks`() async throws {
        try await withServer(handler: Self.router.handler) { served in
            let url = "http://\(served.address)"
            let twice = try await Self.output(
                of: Self.curl, ["-sS", "\(url)/", "\(url)/", "-w", "%{num_connects} "], on: served.loop)
            #expect(twice == "Hello, world\n1 Hello, world\n0 ")
            let chunks = try await Self.output(of: Self.curl, ["-sS", "\(url)/chunks"], on: served.loop)
            #expect(chunks == String(repeating: "chunk\n", count: 1000))

            let file = NSTemporaryDirectory() + "/coro-upload-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: file) }
            let text = String(repeating: "0123456789abcde\n", count: 200_000)
            try text.write(toFile: file, atomically: false, encoding: .utf8)
            for coding in ["Content-Type: text/plain", "Transfer-Encoding: chunked"] {
                // --expect100-timeout: the 100 must come, or curl would wait longer than the test may take.
                let echoed = try await Self.output(
                    of: Self.curl, ["-sS", "-T", file, "-H", coding, "--expect100-timeout", "15", "\(url)/echo"],
                    on: served.loop)
                #expect(echoed == text)
            }
            let head = try await Self.output(of: Self.curl, ["-sSI", "\(url)/"], on: served.loop)
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            let old = try await Self.output(of: Self.curl, ["-sS0", "\(url)/chunks"], on: served.loop)
            #expect(old == chunks)
        }
    }

    @Test(.enabled(if: python != nil))
    func `Python's http client keeps its connection over methods, bodies and chunks`() async throws {
        let script = """
            import http.client, sys
            c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=15)
            def ask(method, path, body=None, **options):
                c.request(method, path, body, **options)
                r = c.getresponse()
                return r.status, r.read()
            assert ask("GET", "/") == (200, b"Hello, world\\n")
            local = c.sock.getsockname()
            assert ask("HEAD", "/") == (200, b"")
            assert ask("POST", "/echo", b"x" * 300000) == (200, b"x" * 300000)
            assert ask("PUT", "/echo", iter([b"a", b"b" * 70000]), encode_chunked=True) == (200, b"a" + b"b" * 70000)
            assert ask("GET", "/chunks") == (200, b"chunk\\n" * 1000)
            assert ask("DELETE", "/") [0] == 405
            assert ask("GET", "/nope")[0] == 404
            assert c.sock.getsockname() == local
            print("fine")
            """
        try await withServer(handler: Self.router.handler) { served in
            let printed = try await Self.output(
                of: Self.python, ["-c", script, "\(served.address.port)"], on: served.loop)
            #expect(printed == "fine\n")
        }
    }
}
