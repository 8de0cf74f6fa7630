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

    private enum Result: Equatable {
        /// At least one whole head, and no fault in what follows.
        case taken
        /// A whole message that closes the connection, and bytes after it that nobody reads.
        case closed
        case incomplete
        case refused(WireError)
    }

    private func cases() throws -> [Case]? {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "../shared/corpora/http1-cases.jsonl").standardizedFileURL
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
    }

    @Test func `RFC 9112: other parsers' fixtures end as expected, or stricter for a listed reason`() throws {
        guard let cases = try cases() else {
            print("corpus: shared/corpora/http1-cases.jsonl is absent, nothing was run")
            return
        }
        #expect(cases.count > 300)
        for item in cases {
            let result = item.kind == "request" ? try requests(octets(item.data)) : try responses(octets(item.data))
            let key = "\(item.src) \(item.kind): \(item.name)"
            let isAsExpected =
                switch (item.expect, result) {
                case ("accept", .taken), ("accept", .closed), ("incomplete", .incomplete), ("incomplete", .taken): true
                case ("reject", .refused), ("reject", .closed): true
                // What a fixture takes only under a lenient flag may be refused.
                case (_, .refused(let fault)):
                    item.lenient == true || CorpusStrictness.refused[fault, default: []].contains(key)
                case ("accept", .incomplete): CorpusStrictness.cut.contains(key)
                case ("reject", .taken): CorpusStrictness.taken.contains(key)
                default: false
                }
            if !isAsExpected { Issue.record("\(item.expect), but \(result): \(key)") }
        }
        // No entry outlives its fixture.
        let keys = Set(cases.map { "\($0.src) \($0.kind): \($0.name)" })
        #expect(CorpusStrictness.refused.values.allSatisfy(keys.isSuperset))
        #expect(keys.isSuperset(of: CorpusStrictness.taken) && keys.isSuperset(of: CorpusStrictness.cut))
    }

    private func requests(_ bytes: [UInt8]) throws -> Result {
        var rest = bytes
        var parser = RequestParser()
        let head = RequestHead()
        var result = Result.incomplete
        do {
            while !rest.isEmpty {
                let taken: Int?
                do {
                    taken = try rest.withUnsafeBytes { try parser.parse($0, into: head) }
                } catch WireError.missingHost {
                    // RFC 9112 §3.2: most fixtures lack it. What else they show counts, so they get one.
                    parser = RequestParser()
                    rest.insert(
                        contentsOf: octets("Host: x\r\n"), at: try #require(rest.dropFirst(2).firstIndex(of: 10)) + 1)
                    continue
                }
                guard let taken else { return result }
                rest.removeFirst(taken)
                result = .taken
                if head.hasUpgrade || head.method == .connect { return .taken }
                guard try drain(head.framing, &rest) else { return .taken }
                if !head.keepAlive { return rest.isEmpty ? .taken : .closed }
            }
        } catch let error as WireError {
            return .refused(error)
        }
        return result
    }

    private func responses(_ bytes: [UInt8]) throws -> Result {
        var rest = bytes
        var parser = ResponseParser()
        let head = ResponseHead()
        var result = Result.incomplete
        do {
            while !rest.isEmpty {
                guard let taken = try rest.withUnsafeBytes({ try parser.parse($0, into: head) }) else { return result }
                rest.removeFirst(taken)
                result = .taken
                if head.status == .switchingProtocols { return .taken }
                guard try drain(head.framing, &rest) else { return .taken }
                if !head.keepAlive { return rest.isEmpty ? .taken : .closed }
            }
        } catch let error as WireError {
            return .refused(error)
        }
        return result
    }

    /// Takes a body out of `rest`; false if it is not complete.
    private func drain(_ framing: Framing, _ rest: inout [UInt8]) throws -> Bool {
        var decoder = BodyDecoder(framing)
        while true {
            switch try rest.withUnsafeBytes({ try decoder.next($0) }) {
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
}
