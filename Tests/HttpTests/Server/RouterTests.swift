import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct RouterTests {
    private static let router: Router = {
        var router = Router()
        router.get("/") { _ in .text("root") }
        router.get("/hello/world") { _ in .text("literal") }
        router.get("/hello/{name}") { .text("name=" + ($0.parameters["name"] ?? "")) }
        router.get("/hello/{name}/and/{other}") {
            .text("\($0.parameters["name"] ?? "")+\($0.parameters["other"] ?? "")")
        }
        router.get("/files/{path...}") { .text("path=" + ($0.parameters["path"] ?? "")) }
        router.get("/both") { _ in .text("get") }
        router.post("/both") { _ in .text("post") }
        router.add(nil, "/any") { .text($0.method.name) }
        router.add(.head, "/own-head") { _ in HTTPServer.Response(fields: ["X-Own": "yes"]) }
        router.get("/own-head") { _ in .text("get") }
        router.add("PROPFIND", "/dav") { _ in .text("dav") }
        return router
    }()

    private func answers(_ method: String, _ cases: [(path: String, status: Int, text: String?)]) async throws {
        try await withServer(handler: Self.router.handler) { served in
            let client = try served.client()
            for (path, status, text) in cases {
                try await client.send("\(method) \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
                let answer = try await client.answer(toHead: method == "HEAD")
                #expect(answer.status == status, "\(method) \(path)")
                if let text { #expect(answer.text == text, "\(method) \(path)") }
            }
        }
    }

    @Test func `literals win over names, and names over the rest`() async throws {
        try await answers(
            "GET",
            [
                ("/", 200, "root"), ("/?q=1", 200, "root"), ("/hello/world", 200, "literal"),
                ("/hello/you", 200, "name=you"),
                ("/hello/a/and/b", 200, "a+b"), ("/hello/world/and/b", 200, "world+b"), ("/files/", 200, "path="),
                ("/files/a/b/c", 200, "path=a/b/c"), ("http://test/both", 200, "get"), ("http://test", 200, "root"),
            ])
    }

    @Test func `unknown paths are 404, also when they only look alike`() async throws {
        let unknown = [
            "/nope", "/hello", "/hello/", "/hello//", "/hello/a/and", "//", "/files", "/BOTH", "/both/",
            "/hello/a/and/",
        ]
        try await answers("GET", unknown.map { ($0, 404, nil) })
    }

    @Test func `RFC 3986 §2.1: names are decoded, coded letters in literals are letters, and bad coding is 400`()
        async throws
    {
        try await answers(
            "GET",
            [
                ("/hello/J%C3%BCrgen%20%2F", 200, "name=Jürgen /"), ("/%68ello/world", 200, "literal"),
                ("/hello/%zz", 400, nil), ("/hello/%4", 400, nil), ("/hello/%", 400, nil), ("/%zz", 400, nil),
                ("/nope/%zz", 400, nil), ("/files/%", 400, nil), ("/files/a%00b", 200, "path=a\u{0}b"),
            ])
    }

    @Test func `RFC 9110 §15.5.6: a known path with another method is 405 with Allow, whatever the method`()
        async throws
    {
        try await withServer(handler: Self.router.handler) { served in
            for (method, path, allow) in [
                ("DELETE", "/both", "GET, HEAD, OPTIONS, POST"), ("POST", "/", "GET, HEAD, OPTIONS"),
                ("BREW", "/", "GET, HEAD, OPTIONS"), ("TRACE", "/both", "GET, HEAD, OPTIONS, POST"),
                ("get", "/both", "GET, HEAD, OPTIONS, POST"), ("GET", "/dav", "OPTIONS, PROPFIND"),
            ] {
                let answer = try await served.answer(to: "\(method) \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
                #expect(answer.status == 405, "\(method) \(path)")
                #expect(answer["allow"] == allow, "\(method) \(path)")
                #expect(!answer.closes)
            }
        }
    }

    @Test func `RFC 9110 §9.3.7: OPTIONS answers by itself, for a path and for the server`() async throws {
        try await withServer(handler: Self.router.handler) { served in
            let path = try await served.answer(to: "OPTIONS /both HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(path.status == 204)
            #expect(path["allow"] == "GET, HEAD, OPTIONS, POST")
            let server = try await served.answer(to: "OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(server.status == 204)
            let any = try await served.answer(to: "OPTIONS /any HTTP/1.1\r\nHost: test\r\n\r\n")
            #expect(any.text == "OPTIONS")
        }
    }

    @Test func `HEAD is answered by GET's handler, unless there is one for it`() async throws {
        try await withServer(handler: Self.router.handler) { served in
            let shared = try await served.answer(to: "HEAD /both HTTP/1.1\r\nHost: test\r\n\r\n", isHead: true)
            #expect(shared.status == 200)
            #expect(shared["content-length"] == "3")
            let own = try await served.answer(to: "HEAD /own-head HTTP/1.1\r\nHost: test\r\n\r\n", isHead: true)
            #expect(own["x-own"] == "yes")
        }
    }

    @Test func `a route for every method answers what has none of its own, and a method may have any name`()
        async throws
    {
        for method in ["GET", "POST", "BREW"] { try await answers(method, [("/any", 200, method)]) }
        try await answers("PROPFIND", [("/dav", 200, "dav")])
    }

    @Test func `a copied router grows apart from the one it came from`() async throws {
        var copy = Self.router
        copy.get("/new") { _ in .text("new") }
        try await answers("GET", [("/new", 404, nil)])
    }

    @Test func `the body of a refused request is not the next one`() async throws {
        try await withServer(handler: Self.router.handler) { served in
            let client = try served.client()
            try await client.send(
                post("/", get("/hello/smuggled")) + post("/nope", get("/hello/smuggled")) + get("/both"))
            #expect(try await client.answer().status == 405)
            #expect(try await client.answer().status == 404)
            #expect(try await client.answer().text == "get")
        }
    }
}
