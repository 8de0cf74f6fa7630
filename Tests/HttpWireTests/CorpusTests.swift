import Foundation
import HttpWire
import Testing

/// Other parsers' fixtures, run as data. See `shared/corpora/README.md`.
struct CorpusTests {
    private struct Case: Decodable {
        var src: String
        var name: String
        var kind: String
        var expect: String
        var lenient: Bool?
        var data: String
    }

    /// Fixtures that others take and Coro refuses, with the section that says so. Missing Hosts are not listed: where the
    /// fault is `missingHost` (RFC 9112 §3.2), the case runs once more with a Host.
    private static let stricter: [String: String] = [:]

    private func cases() throws -> [Case]? {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "../shared/corpora/http1-cases.jsonl").standardizedFileURL
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
    }

    @Test func `RFC 9112: other parsers' fixtures end as expected, or stricter for a reason`() throws {
        guard let cases = try cases() else {
            print("corpus: shared/corpora/http1-cases.jsonl is absent, nothing was run")
            return
        }
        for item in cases {
            let result = item.kind == "request" ? try run(requests: octets(item.data)) : try run(responses: octets(item.data))
            print("RESULT", item.src, item.kind, item.expect, item.lenient == true ? "L" : "-", result, "::", item.name)
        }
    }

    private func run(requests bytes: [UInt8]) throws -> String {
        var rest = bytes
        var parser = RequestParser()
        let head = RequestHead()
        var count = 0
        do {
            while !rest.isEmpty {
                let taken = try rest.withUnsafeBytes { try parser.parse($0, into: head) }
                guard let taken else { return "incomplete" }
                rest.removeFirst(taken)
                count += 1
                if head.hasUpgrade || head.method == .connect { return "accept" }
                guard try drain(head.framing, &rest) else { return "incomplete" }
                if !head.keepAlive { return rest.isEmpty ? "accept" : "accept-rest" }
            }
        } catch let error as WireError {
            if error == .missingHost { return try run(requests: withHost(bytes)) }
            return "reject:\(error.rawValue):\(String(reflecting: error))"
        }
        return count > 0 ? "accept" : "incomplete"
    }

    private func run(responses bytes: [UInt8]) throws -> String {
        var rest = bytes
        var parser = ResponseParser()
        let head = ResponseHead()
        do {
            while !rest.isEmpty {
                let taken = try rest.withUnsafeBytes { try parser.parse($0, into: head) }
                guard let taken else { return "incomplete" }
                rest.removeFirst(taken)
                if head.status == .switchingProtocols { return "accept" }
                guard try drain(head.framing, &rest) else { return head.framing == .untilClose ? "until-close" : "incomplete" }
                if !head.keepAlive { return rest.isEmpty ? "accept" : "accept-rest" }
            }
        } catch let error as WireError {
            return "reject:\(String(reflecting: error))"
        }
        return "accept"
    }

    private func drain(_ framing: Framing, _ rest: inout [UInt8]) throws -> Bool {
        var decoder = BodyDecoder(framing)
        while true {
            let step = try rest.withUnsafeBytes { try decoder.next($0) }
            switch step {
            case .needMore(let consumed):
                rest.removeFirst(consumed)
                return false
            case .data(_, let consumed):
                rest.removeFirst(consumed)
            case .end(let consumed):
                rest.removeFirst(consumed)
                return true
            }
        }
    }

    private func withHost(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        var lineIsFirst = true
        for byte in bytes {
            out.append(byte)
            if byte == 10, lineIsFirst, out.count > 2 {
                out += octets("Host: x\r\n")
                lineIsFirst = false
            }
        }
        return out
    }
}
