import Coro
import CoroTesting
import Foundation
import Http
import Testing

@Suite(.ownThread) struct StaticFilesTests {
    /// A directory of files, with a secret beside it and links that lead to it.
    private final class Site: Sendable {
        let root: String
        var files: String { root + "/files" }

        init() throws {
            root = NSTemporaryDirectory() + "/coro-\(UUID().uuidString)"
            let manager = FileManager.default
            try manager.createDirectory(atPath: root + "/files/sub/deep", withIntermediateDirectories: true)
            try manager.createDirectory(atPath: root + "/files/with index", withIntermediateDirectories: true)
            try manager.createDirectory(atPath: root + "/files-beside", withIntermediateDirectories: true)
            for (name, text) in [
                ("secret.txt", "secret"), ("files-beside/secret.txt", "secret"), ("files/hello.txt", "0123456789"),
                ("files/page.html", "<p>page</p>"), ("files/empty.css", ""), ("files/sub/a&b <c>\".txt", "odd"),
                ("files/sub/javascript:alert(1)", "x"), ("files/sub/.hidden", "x"),
                ("files/with index/index.html", "index"),
                ("files/UPPER.JPG", "x"), ("files/noextension", "x"), ("files/ünï.txt", "unicode"),
            ] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: root + "/" + name))
            }
            for (name, target) in [
                ("out.txt", "../secret.txt"), ("absolute.txt", root + "/secret.txt"), ("outdir", ".."),
                ("in.txt", "hello.txt"),
                ("proc", "/proc/self/root"), ("loop", "loop"),
            ] {
                try manager.createSymbolicLink(atPath: files + "/" + name, withDestinationPath: target)
            }
            mkfifo(files + "/pipe", 0o600)
        }

        deinit { try? FileManager.default.removeItem(atPath: root) }
    }

    private func withSite(_ body: @escaping @Sendable (Served, String) async throws -> Void) async throws {
        let site = try Site()
        var router = Router()
        let files = try StaticFiles(directory: site.files)
        router.get("/{path...}", files.handler)
        router.get("/static/{path...}", files.handler)
        try await withServer(handler: router.handler) { served in try await body(served, site.files) }
    }

    @Test(arguments: [
        "/../secret.txt", "/sub/../../secret.txt", "/sub/../hello.txt", "/..", "/../", "/sub/..", "/%2e%2e/secret.txt",
        "/%2E%2E/secret.txt", "/.%2e/secret.txt", "/..%2fsecret.txt", "/..%2Fsecret.txt", "/%2e%2e%2fsecret.txt",
        "/%252e%252e/secret.txt", "/..%5csecret.txt", "/%2fetc/passwd", "//etc/passwd", "///etc/passwd",
        "/../files-beside/secret.txt",
        "/out.txt", "/absolute.txt", "/outdir/secret.txt", "/outdir/", "/proc/etc/passwd", "/loop", "/hello.txt%00",
        "/hello.txt%00.html",
        "/%00", "/hello.txt%0d%0aX-Evil:%201", "/hello.txt/", "/hello.txt/x", "/pipe", "/static/../../secret.txt",
        "/none", "/%ff",
        "/....//secret.txt", "/sub%2f..%2f..%2fsecret.txt", "/hello.txt%20", "/%",
    ])
    func `a path that leads out, or means something else than it says, is refused`(_ path: String) async throws {
        try await withSite { served, _ in
            let answer = try await served.answer(to: get(path))
            #expect((400..<500).contains(answer.status))
            #expect(!answer.text.contains("secret") && !answer.text.contains("root:"))
            #expect(answer["x-evil"] == nil)
        }
    }

    @Test func `a file comes with its type, its length, its time and its tag`() async throws {
        try await withSite { served, _ in
            for (path, type, text) in [
                ("/hello.txt", "text/plain; charset=utf-8", "0123456789"),
                ("/page.html", "text/html; charset=utf-8", "<p>page</p>"),
                ("/empty.css", "text/css; charset=utf-8", ""), ("/UPPER.JPG", "image/jpeg", "x"),
                ("/noextension", "application/octet-stream", "x"),
                ("/%C3%BCn%C3%AF.txt", "text/plain; charset=utf-8", "unicode"),
                ("/in.txt", "text/plain; charset=utf-8", "0123456789"),
                ("/static/hello.txt", "text/plain; charset=utf-8", "0123456789"),
                ("//hello.txt", "text/plain; charset=utf-8", "0123456789"),
            ] {
                let answer = try await served.answer(to: get(path))
                #expect(answer.status == 200, "\(path)")
                #expect(answer["content-type"] == type, "\(path)")
                #expect(answer["content-length"] == "\(text.utf8.count)", "\(path)")
                #expect(answer.text == text, "\(path)")
                #expect(answer["last-modified"].flatMap { HTTPDate.parse($0) } != nil)
                #expect(answer["accept-ranges"] == "bytes")
            }
        }
    }

    @Test func `RFC 9110 §9.3.2: HEAD has the length and not the file; other methods are 405`() async throws {
        try await withSite { served, _ in
            let client = try served.client()
            try await client.send(
                "HEAD /hello.txt HTTP/1.1\r\nHost: test\r\n\r\n" + post("/hello.txt", "x") + get("/hello.txt"))
            #expect(try await client.answer(toHead: true)["content-length"] == "10")
            let refused = try await client.answer()
            #expect(refused.status == 405)
            #expect(refused["allow"] == "GET, HEAD, OPTIONS")
            #expect(try await client.answer().text == "0123456789")
        }
    }

    @Test func `RFC 9110 §13.2.2: who has the file already gets 304, and the tag decides before the date`() async throws
    {
        try await withSite { served, _ in
            let first = try await served.answer(to: get("/hello.txt"))
            let tag = try #require(first["etag"])
            let date = try #require(first["last-modified"])
            for (condition, status) in [
                ("If-None-Match: \(tag)", 304), ("If-None-Match: W/\(tag)", 304), ("If-None-Match: \"x\", \(tag)", 304),
                ("If-None-Match: *", 304), ("If-None-Match: \"x\"", 200), ("If-Modified-Since: \(date)", 304),
                ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 200), ("If-Modified-Since: garbage", 200),
                ("If-None-Match: \"x\"\r\nIf-Modified-Since: \(date)", 200),
            ] {
                let answer = try await served.answer(to: get("/hello.txt", condition))
                #expect(answer.status == status, "\(condition)")
                if status == 304 { #expect(answer["etag"] == tag && answer["content-length"] == nil) }
            }
        }
    }

    @Test func `RFC 9110 §14: one range is 206, none of it 416, and what cannot be read is ignored`() async throws {
        try await withSite { served, _ in
            for (range, status, text) in [
                ("bytes=0-", 200, "0123456789"), ("bytes=2-4", 206, "234"),
                ("bytes=1-999999999999999999999", 206, "123456789"),
                ("bytes=-3", 206, "789"), ("bytes=-99", 200, "0123456789"), ("bytes=9-9", 206, "9"),
                ("BYTES=0-0", 206, "0"),
                ("bytes=-0", 416, ""), ("bytes=10-", 416, ""), ("bytes=4-2", 416, ""), ("bytes=x", 200, "0123456789"),
                ("lines=1-2", 200, "0123456789"), ("bytes=-", 200, "0123456789"), ("bytes=+1-2", 200, "0123456789"),
                ("bytes=0-1,2-3,4-5,0-9,0-9", 200, "0123456789"), ("bytes 1-2", 200, "0123456789"),
            ] {
                let answer = try await served.answer(to: get("/hello.txt", "Range: \(range)"))
                #expect(answer.status == status, "\(range)")
                if status == 416 {
                    #expect(answer["content-range"] == "bytes */10", "\(range)")
                } else {
                    #expect(answer.text == text, "\(range)")
                }
            }
            let part = try await served.answer(to: get("/hello.txt", "Range: bytes=2-4"))
            #expect(part["content-range"] == "bytes 2-4/10")
            let changed = try await served.answer(to: get("/hello.txt", "Range: bytes=2-4", "If-Range: \"old\""))
            #expect(changed.status == 200)
            let empty = try await served.answer(to: get("/empty.css", "Range: bytes=0-"))
            #expect(empty.status == 200)
        }
    }

    @Test func `a directory needs its slash, answers with its index, or lists its files as plain text in links`()
        async throws
    {
        try await withSite { served, _ in
            let redirect = try await served.answer(to: get("/sub?x=1"))
            #expect(redirect.status == 301)
            #expect(redirect["location"] == "./sub/?x=1")
            // A path that begins with two slashes must not become a host.
            let doubled = try await served.answer(to: get("//sub/deep"))
            #expect(doubled["location"] == "./deep/")

            let index = try await served.answer(to: get("/with%20index/"))
            #expect(index.text == "index")
            #expect(index["content-type"] == "text/html; charset=utf-8")

            let list = try await served.answer(to: get("/sub/"))
            #expect(list.status == 200)
            #expect(list.text.contains("a&amp;b &lt;c&gt;&quot;.txt"))
            #expect(!list.text.contains("<c>") && !list.text.contains("b <"))
            #expect(list.text.contains("href=\"./deep/\""))
            #expect(list.text.contains("href=\"./javascript"))
            #expect(!list.text.contains("hidden"))
            #expect(list["content-security-policy"] == "default-src 'none'")
        }
    }

    @Test func `a large file is whole, and a reader that goes away in the middle harms nobody`() async throws {
        try await withSite { served, files in
            let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            try Data(bytes).write(to: URL(fileURLWithPath: files + "/large.bin"))
            let whole = try await served.answer(to: get("/large.bin"))
            #expect(whole.body == bytes)
            for leave in [RawClient.close, RawClient.reset] {
                for isHalfClosed in [false, true] {
                    let client = try served.client(receiveBuffer: 16 * 1024)
                    try await client.send(get("/large.bin"))
                    for _ in 0..<5 { try await served.loop.moment() }
                    // After FIN the kernel answers a lost connection with EPIPE, and to sendfile with SIGPIPE.
                    if isHalfClosed { client.finish() }
                    leave(client)()
                    while served.server.connectionCount > 1 { try await served.loop.moment() }
                }
            }
            #expect(try await served.servesOthers())
        }
    }

    @Test func `a directory that is not there is an error that says so`() throws {
        #expect(throws: IOError.self) { try StaticFiles(directory: "/nonexistent/\(UUID())") }
        #expect(throws: IOError.self) { try StaticFiles(directory: "/etc/passwd") }
        #expect(throws: IOError.self) { try StaticFiles(directory: "/tmp\u{0}/x") }
    }
}
