// The endpoints of a server without files: something of every kind, to try clients and measure servers with.

internal import Coro
internal import Http

enum Demo {
    static var router: Router {
        var router = Router()
        // Made once: the answer to these is the same bytes for everybody.
        let hello = HTTPServer.Response.text("Hello, world\n")
        let plain = HTTPServer.Response(fields: ["Content-Type": "text/plain"], body: .text("Hello, World!"))
        let json = HTTPServer.Response.json("{\"message\":\"Hello, World!\"}")
        router.get("/") { _ in hello }
        router.get("/plaintext") { _ in plain }
        router.get("/json") { _ in json }
        router.get("/delay/{seconds}", delay)
        router.get("/bytes/{n}", bytes)
        router.get("/stream/{n}", stream)
        router.get("/status/{code}", status)
        router.get("/headers") { request in .json(JSON.object(request.fields) + "\n") }
        router.add(nil, "/echo", echo)
        return router
    }

    // MARK: Time

    @Sendable private static func delay(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
        let text = request.parameters["seconds"] ?? ""
        // Digits and a point: what else a Double may be spelled as (inf, 0x1p3, 1e9) is no number of seconds here.
        guard !text.isEmpty, text.utf8.count <= 20, text.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            let seconds = Double(text), seconds <= 60
        else {
            throw HTTPServer.Refusal(.badRequest, "/delay/SECONDS: give 0 to 60 seconds, for example /delay/1.5.")
        }
        try await request.loop.sleep(for: .seconds(seconds))
        return .text("Waited \(text) s\n")
    }

    // MARK: Bodies

    private static let bytesMax = 1_073_741_824
    private static let linesMax = 100_000

    @Sendable private static func bytes(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
        guard let count = number(request.parameters["n"], upTo: bytesMax) else {
            throw HTTPServer.Refusal(.badRequest, "/bytes/N: N is a number from 0 to \(bytesMax).")
        }
        return .stream(length: count) { writer in
            var left = count
            while left > 0 {
                try await writer.write(left < pattern.count ? Array(pattern.prefix(left)) : pattern)
                left -= min(left, pattern.count)
            }
        }
    }

    /// The byte at every place is the place's last byte: 0, 1, … 255, 0, 1…
    private static let pattern = (0..<64 * 1024).map { UInt8(truncatingIfNeeded: $0) }

    @Sendable private static func stream(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
        guard let count = number(request.parameters["n"], upTo: linesMax) else {
            throw HTTPServer.Refusal(.badRequest, "/stream/N: N is a number of lines from 0 to \(linesMax).")
        }
        return .stream(type: "application/jsonl") { writer in
            for line in 0..<count { try await writer.write("{\"line\":\(line)}\n") }
        }
    }

    @Sendable private static func echo(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
        let body = request.body
        let type = request.fields["Content-Type"] ?? "application/octet-stream"
        return .stream(type: type, length: body.length) { writer in
            while let piece = try await body.next() { try await writer.write(piece) }
        }
    }

    // MARK: Heads

    @Sendable private static func status(_ request: HTTPServer.Request) async throws -> HTTPServer.Response {
        guard let code = number(request.parameters["code"], upTo: 599), code >= 200, let status = Status(code: code)
        else {
            throw HTTPServer.Refusal(.badRequest, "/status/CODE: give a status from 200 to 599; 1xx is no answer.")
        }
        return .failure(status)
    }

    /// A plain decimal number in bounds; nil for anything else.
    private static func number(_ text: String?, upTo limit: Int) -> Int? {
        guard let text, !text.isEmpty, text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            let number = Int(text), number <= limit
        else { return nil }
        return number
    }
}
