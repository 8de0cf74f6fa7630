import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct KeepAliveTests {
    @Test func `RFC 9112 §9.3: a connection carries one request after another`() async throws {
        try await withServer { served in
            let client = try served.client()
            for index in 1...3 {
                try await client.send(get("/\(index)"))
                let answer = try await client.answer()
                #expect(answer.status == 200)
                #expect(answer.text == "/\(index)")
                #expect(answer["connection"] == nil)
            }
            #expect(served.server.connectionCount == 1)
        }
    }

    @Test func `RFC 9112 §9.3.2: fifty requests in one write are answered in order`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send((1...50).map { get("/\($0)") }.joined())
            for index in 1...50 { #expect(try await client.answer().text == "/\(index)") }
        }
    }

    @Test func `RFC 9112 §9.3.2: a slow answer holds back those behind it`() async throws {
        let order = Shared<[String]>([])
        let slowFirst: HTTPServer.Handler = { request in
            if request.path == "/slow" { for _ in 0..<20 { try await request.loop.moment() } }
            order.change { $0.append(request.path) }
            return .text(request.path)
        }
        try await withServer(handler: slowFirst) { served in
            let client = try served.client()
            try await client.send(get("/slow") + get("/fast"))
            #expect(try await client.answer().text == "/slow")
            #expect(try await client.answer().text == "/fast")
        }
        #expect(order.value == ["/slow", "/fast"])
    }

    @Test func `RFC 9112 §9.6: Connection close in any case and in any list ends the connection after the answer`()
        async throws
    {
        try await withServer { served in
            for value in ["close", "Close", "keep-alive, CLOSE", "foo ,close", "x\r\nConnection: close"] {
                let client = try served.client()
                try await client.send(get("/", "Connection: \(value)") + get("/never"))
                #expect(try await client.answer().closes)
                #expect(try await client.isAtEnd())
            }
        }
    }

    @Test func `RFC 9112 §9.3: HTTP 1.0 closes unless it asks to be kept, and is then told so`() async throws {
        try await withServer { served in
            let closing = try served.client()
            try await closing.send("GET / HTTP/1.0\r\n\r\n")
            #expect(try await closing.answer().closes)
            #expect(try await closing.isAtEnd())

            let kept = try served.client()
            for _ in 1...2 {
                try await kept.send("GET /kept HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
                let answer = try await kept.answer()
                #expect(answer["connection"] == "keep-alive")
                #expect(answer.text == "/kept")
            }
        }
    }

    @Test func `RFC 9110 §2.5: a minor version above 1 is answered as 1.1`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send("GET /a HTTP/1.7\r\nHost: test\r\n\r\n" + get("/b"))
            #expect(try await client.answer().text == "/a")
            #expect(try await client.answer().text == "/b")
        }
    }

    @Test func `RFC 9112 §2.2: an empty line before a request line is overlooked, also between requests`() async throws
    {
        try await withServer { served in
            let client = try served.client()
            try await client.send("\r\n" + get("/a") + "\r\n" + get("/b"))
            #expect(try await client.answer().text == "/a")
            #expect(try await client.answer().text == "/b")
        }
    }

    @Test func `RFC 9110 §9.3.2: HEAD pipelined before GET has GET's fields and no body`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send("HEAD /same HTTP/1.1\r\nHost: test\r\n\r\n" + get("/same"))
            let head = try await client.answer(toHead: true)
            let full = try await client.answer()
            #expect(head["content-length"] == "5")
            #expect(full.text == "/same")
            let names = { (answer: RawAnswer) in answer.fields.map(\.name) }
            #expect(names(head) == names(full))
        }
    }

    @Test func `RFC 9110 §7.8: an upgrade to something unknown is ignored`() async throws {
        try await withServer { served in
            for name in ["h2c", "foo/3"] {
                let answer = try await served.answer(
                    to: get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: \(name)", "HTTP2-Settings: AAMAAABk"))
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `RFC 9110 §6.6.1: every answer has exactly one Date, also when the handler sets one`() async throws {
        let dated: HTTPServer.Handler = { request in
            HTTPServer.Response(fields: ["Date": "yesterday", "Content-Length": "999"], body: .text("x"))
        }
        try await withServer(handler: dated) { served in
            let answer = try await served.answer(to: get("/"))
            #expect(answer.count(of: "date") == 1)
            #expect(answer["date"]?.hasSuffix("GMT") == true)
            #expect(answer.count(of: "content-length") == 1)
            #expect(answer.text == "x")
            #expect(try await served.answer(to: "nonsense\r\n\r\n").count(of: "date") == 1)
        }
    }

    @Test func `a request head kept after its exchange stays what it was`() async throws {
        let kept = Shared<[HTTPServer.Request]>([])
        let keeping: HTTPServer.Handler = { request in
            kept.change { $0.append(request) }
            return .text(request.target)
        }
        try await withServer(handler: keeping) { served in
            let client = try served.client()
            try await client.send((1...9).map { get("/kept/\($0)?q=\($0)", "X-Number: \($0)") }.joined())
            for _ in 1...9 { _ = try await client.answer() }
            client.close()
            for (index, request) in kept.value.enumerated() {
                #expect(request.path == "/kept/\(index + 1)")
                #expect(request.query == "q=\(index + 1)")
                #expect(request.fields["x-number"] == "\(index + 1)")
            }
            kept.change { $0 = [] }
        }
    }

    @Test func `a kept request head is not lent to another connection when its own falls idle`() async throws {
        let kept = Shared<[HTTPServer.Request]>([])
        let keeping: HTTPServer.Handler = { request in
            kept.change { if $0.isEmpty { $0.append(request) } }
            return .text(request.target)
        }
        try await withServer(handler: keeping) { served in
            let first = try served.client()
            try await first.send(get("/first", "X-Name: first"))
            let answer = try await first.answer()
            #expect(answer.text == "/first")
            // Idle connections have given their heads back by now; the next ones borrow what there is.
            for number in 1...3 {
                let other = try await served.answer(to: get("/other/\(number)", "X-Name: other"))
                #expect(other.text == "/other/\(number)")
            }
            #expect(kept.value.first?.target == "/first")
            #expect(kept.value.first?.fields["X-Name"] == "first")
            kept.change { $0 = [] }
        }
    }

    @Test func `a pipelined answer that is ready does not wait for the handler of the next request`() async throws {
        let release = Shared<Promise<Void>?>(nil)
        let handler: HTTPServer.Handler = { request in
            guard request.path == "/slow" else { return .text("fast") }
            let promise = request.loop.promise(of: Void.self)
            release.change { $0 = promise }
            try await promise.future.value
            return .text("slow")
        }
        try await withServer(handler: handler) { served in
            let client = try served.client()
            try await client.send(get("/fast") + get("/slow"))
            let first = try await client.answer()
            #expect(first.text == "fast")
            release.change { promise in
                promise?.trySucceed(())
                promise = nil
            }
            let second = try await client.answer()
            #expect(second.text == "slow")
        }
    }

    @Test func `answers that nobody reads hold the pipeline back and not the memory`() async throws {
        let count = Shared(0)
        let big: HTTPServer.Handler = { _ in
            count.change { $0 += 1 }
            return HTTPServer.Response(body: .bytes(Array(repeating: 120, count: 100_000)))
        }
        try await withServer(handler: big) { served in
            let client = try served.client(receiveBuffer: 64 * 1024)
            try await client.send(String(repeating: get("/"), count: 300))
            // Thirty megabytes in all. What the kernel holds for the two of us is a small part of that.
            for _ in 0..<500 { try await served.loop.moment() }
            #expect(count.value < 150)
            #expect(try await served.servesOthers())
            for _ in 1...300 { #expect(try await client.answer().body.count == 100_000) }
        }
    }
}
