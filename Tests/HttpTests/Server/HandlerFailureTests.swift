// What a handler may get wrong, and what its client sees of it.

import Coro
import CoroTesting
import Http
import Testing

@Suite(.ownThread) struct HandlerFailureTests {
    /// A failure that belongs to one test.
    struct Oops: Error, Equatable { let secret: String }

    @Test func `RFC 9110 §15.6.1: a handler that throws is 500 without a word of why, and reported once`() async throws
    {
        let oops = Oops(secret: "the password is 1234")
        let recorder = ReportRecorder { $0.error as? Oops == oops }
        let failing: HTTPServer.Handler = { request in
            if request.path == "/bad" { throw oops }
            return .text("fine")
        }
        try await withServer(handler: failing) { served in
            let client = try served.client()
            try await client.send(get("/bad") + get("/good"))
            let answer = try await client.answer()
            #expect(answer.status == 500)
            #expect(!answer.text.contains("1234") && !answer.text.contains("Oops"))
            #expect(try await client.answer().text == "fine")
        }
        #expect(recorder.failures.count == 1)
        #expect(recorder.failures.first?.description.contains("GET /bad") == true)
    }

    @Test func `a refusal that is thrown is the answer, and no failure`() async throws {
        let refusing: HTTPServer.Handler = { _ in
            var refusal = HTTPServer.Refusal(.forbidden, "Not you.")
            try refusal.response.fields.set("X-Why", "because")
            throw refusal
        }
        try await withServer(handler: refusing) { served in
            let answer = try await served.answer(to: get("/"))
            #expect(answer.status == 403)
            #expect(answer.text == "Not you.\n")
            #expect(answer["x-why"] == "because")
        }
    }

    @Test func `a handler that awaits something cancelled is 500`() async throws {
        let recorder = ReportRecorder { $0.summary.contains("/awaits-the-cancelled") }
        let awaiting: HTTPServer.Handler = { request in
            let future: Future<Void> = request.loop.sleep(.seconds(3600))
            future.cancel()
            try await future.value
            return .text("never")
        }
        try await withServer(handler: awaiting) { served in
            let answer = try await served.answer(to: get("/awaits-the-cancelled"))
            #expect(answer.status == 500)
        }
        #expect(recorder.failures.count == 1)
    }

    @Test(arguments: [4, 6])
    func `RFC 9110 §8.6: fewer or more bytes than the declared length end in a cut connection`(_ declared: Int)
        async throws
    {
        let recorder = ReportRecorder { ($0.error as? BodyError) == .wrongLength(declared: declared, written: 5) }
        let lying: HTTPServer.Handler = { _ in .stream(length: declared) { try await $0.write("12345") } }
        try await withServer(handler: lying) { served in
            let client = try served.client()
            try await client.send(get("/") + get("/behind"))
            let text = try await client.everything()
            #expect(text.contains("Content-Length: \(declared)\r\n"))
            // Too much is refused whole; too little is seen at the end. Either way it does not look complete.
            #expect(text.hasSuffix(declared == 4 ? "\r\n\r\n" : "12345"))
            #expect(text.components(of: "\r\nServer: ") == 1)
        }
        #expect(!recorder.failures.isEmpty)
    }

    @Test func `RFC 9112 §8: an HTTP 1.0 answer that breaks off ends in a reset, not in what looks like its end`()
        async throws
    {
        let oops = Oops(secret: "until close")
        let recorder = ReportRecorder { $0.error as? Oops == oops }
        let breaking: HTTPServer.Handler = { _ in
            .stream { writer in
                try await writer.write("begun")
                throw oops
            }
        }
        try await withServer(handler: breaking) { served in
            let client = try served.client()
            try await client.send("GET / HTTP/1.0\r\n\r\n")
            let text = try await client.everything()
            #expect(text.hasSuffix("begun[reset]"))
        }
        #expect(!recorder.failures.isEmpty)
    }

    @Test func `RFC 9112 §8: a streamed answer that breaks off has no last chunk, and the answers before it arrive`()
        async throws
    {
        let oops = Oops(secret: "mid-stream")
        let recorder = ReportRecorder { $0.error as? Oops == oops }
        let breaking: HTTPServer.Handler = { request in
            if request.path == "/whole" { return .text("whole") }
            return .stream { writer in
                if request.path == "/later" { try await writer.write("begun") }
                throw oops
            }
        }
        try await withServer(handler: breaking) { served in
            for path in ["/later", "/at-once"] {
                let client = try served.client()
                try await client.send(get("/whole") + get(path) + get("/behind"))
                #expect(try await client.answer().text == "whole")
                let rest = try await client.everything()
                #expect(!rest.contains("0\r\n\r\n"))
                #expect(!rest.contains("500"))
            }
        }
        #expect(recorder.failures.count == 2)
    }

    @Test func `a wire error that a body's writer throws is not answered into the body`() async throws {
        let recorder = ReportRecorder { ($0.error as? WireError) == .invalidReason }
        let breaking: HTTPServer.Handler = { _ in
            .stream(length: 500) { writer in
                try await writer.write("begun")
                throw WireError.invalidReason
            }
        }
        try await withServer(handler: breaking) { served in
            let client = try served.client()
            try await client.send(get("/"))
            #expect(try await client.everything().hasSuffix("begun"))
        }
        #expect(recorder.failures.count == 1)
    }

    @Test func `RFC 9110 §5.5: fields that cannot be sent are 500, with nothing of them on the wire`() async throws {
        let recorder = ReportRecorder { ($0.error as? WireError) == .invalidFieldValue }
        let splitting: HTTPServer.Handler = { request in
            let fields: Fields = ["X-User": "a\r\nSet-Cookie: evil=1"]
            if request.path == "/stream" {
                return HTTPServer.Response(fields: fields, body: .stream(length: nil) { _ in })
            }
            return HTTPServer.Response(fields: fields, body: .text("ok"))
        }
        try await withServer(handler: splitting) { served in
            for path in ["/", "/stream"] {
                let client = try served.client()
                try await client.send(get(path) + get("/behind"))
                let text = try await client.everything()
                #expect(text.hasPrefix("HTTP/1.1 500 "))
                #expect(!text.contains("evil"))
                #expect(text.components(of: "\r\nServer: ") == 1)
                #expect(!text.contains("0\r\n\r\n"))
            }
        }
        #expect(recorder.failures.count == 2)
    }

    @Test func `RFC 9110 §5.5: a handler that sets such a field is told so at the call`() {
        var fields = Fields()
        #expect(throws: WireError.invalidFieldValue) { try fields.set("X", "a\r\nb") }
        #expect(throws: WireError.invalidFieldName) { try fields.append("X\u{0}", "a") }
        #expect(fields.isEmpty)
    }

    @Test func `RFC 9110 §15.2: 1xx is no answer and becomes 500`() async throws {
        let recorder = ReportRecorder { "\($0.error)".contains("103 Early Hints announces") }
        try await withServer(handler: { _ in HTTPServer.Response(status: .earlyHints) }) { served in
            let client = try served.client()
            try await client.send(get("/"))
            #expect(try await client.answer().status == 500)
        }
        #expect(recorder.failures.count == 1)
    }

    @Test func `RFC 9110 §9.3.6: CONNECT is refused by an origin server, and no tunnel`() async throws {
        try await withServer { served in
            let client = try served.client()
            try await client.send("CONNECT test:443 HTTP/1.1\r\nHost: test:443\r\n\r\n" + get("/inside"))
            #expect(try await client.answer().status == 400)
            #expect(try await client.isAtEnd())
        }
    }
}
