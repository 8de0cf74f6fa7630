import HttpWire
import Testing

/// Text to bytes; `\u{80}`...`\u{FF}` stand for the bytes of that value.
func octets(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

/// A request head with a Host, from its other lines.
func request(_ line: String = "GET / HTTP/1.1", _ fields: String...) -> String {
    ([line, "Host: a"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
}

/// An answer head from its lines.
func response(_ line: String = "HTTP/1.1 200 OK", _ fields: String...) -> String {
    ([line] + fields).joined(separator: "\r\n") + "\r\n\r\n"
}

/// What a reader made of its bytes.
enum Outcome<Value: Equatable>: Equatable {
    case complete(Value, consumed: Int)
    case incomplete
    case refused(WireError)
}

/// A request head's content, for comparison.
struct RequestSummary: Equatable {
    var method: String
    var target: String
    var path: String
    var query: String?
    var authority: String?
    var host: String?
    var version: Version
    var framing: Framing
    var keepAlive: Bool
    var fields: [[String]]

    init(_ head: RequestHead) {
        method = head.method.name
        target = head.target
        path = head.path
        query = head.query
        authority = head.authority
        host = head.host
        version = head.version
        framing = head.framing
        keepAlive = head.keepAlive
        fields = head.fields.map { [$0.name, $0.value] }
    }
}

/// An answer head's content, for comparison.
struct ResponseSummary: Equatable {
    var status: Int
    var reason: String
    var version: Version
    var framing: Framing
    var keepAlive: Bool
    var fields: [[String]]

    init(_ head: ResponseHead) {
        status = Int(head.status.code)
        reason = head.reason
        version = head.version
        framing = head.framing
        keepAlive = head.keepAlive
        fields = head.fields.map { [$0.name, $0.value] }
    }
}

/// Feeds growing prefixes of `bytes`, each in memory of exactly its size, so that a look beyond it can be caught.
private func feed<Value>(
    _ bytes: [UInt8], upTo ends: [Int], parse: (UnsafeRawBufferPointer) throws(WireError) -> Value?
) -> Outcome<Value> where Value: Equatable {
    for end in ends {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: end, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes[..<end])
        do throws(WireError) {
            if let value = try parse(UnsafeRawBufferPointer(buffer)) { return .complete(value, consumed: end) }
        } catch { return .refused(error) }
    }
    return .incomplete
}

func readRequest(
    _ bytes: [UInt8], upTo ends: [Int]? = nil, limits: WireLimits = WireLimits()
) -> Outcome<RequestSummary> {
    var parser = RequestParser(limits: limits)
    let head = RequestHead()
    var consumed = 0
    let outcome: Outcome<RequestSummary> = feed(bytes, upTo: ends ?? [bytes.count]) { buffer throws(WireError) in
        guard let count = try parser.parse(buffer, into: head) else { return nil }
        consumed = count
        return RequestSummary(head)
    }
    if case .complete(let value, _) = outcome { return .complete(value, consumed: consumed) }
    return outcome
}

func readResponse(
    _ bytes: [UInt8], to method: Method = .get, upTo ends: [Int]? = nil, limits: WireLimits = WireLimits()
) -> Outcome<ResponseSummary> {
    var parser = ResponseParser(requestMethod: method, limits: limits)
    let head = ResponseHead()
    var consumed = 0
    let outcome: Outcome<ResponseSummary> = feed(bytes, upTo: ends ?? [bytes.count]) { buffer throws(WireError) in
        guard let count = try parser.parse(buffer, into: head) else { return nil }
        consumed = count
        return ResponseSummary(head)
    }
    if case .complete(let value, _) = outcome { return .complete(value, consumed: consumed) }
    return outcome
}

/// The outcome of one text read whole, and a complaint for every other way of reading it that ends otherwise.
private func everyWay<Value>(
    _ bytes: [UInt8], _ location: SourceLocation, read: ([UInt8], [Int]?) -> Outcome<Value>
) -> Outcome<Value> {
    let whole = read(bytes, nil)
    let drip = read(bytes, Array(0...bytes.count))
    #expect(drip == whole, "byte by byte", sourceLocation: location)
    if bytes.count <= 400 {
        for split in 0..<bytes.count {
            let halves = read(bytes, [split, bytes.count])
            if halves != whole { Issue.record("split at \(split): \(halves)", sourceLocation: location) }
        }
    }
    if whole != .incomplete {
        let trailed = read(bytes + octets("GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n"), nil)
        #expect(trailed == whole, "with bytes behind it", sourceLocation: location)
    }
    return whole
}

/// The head of an acceptable request, read every way.
@discardableResult
func accept(
    _ text: String, limits: WireLimits = WireLimits(), sourceLocation: SourceLocation = #_sourceLocation
) -> RequestSummary? {
    let bytes = octets(text)
    let outcome = everyWay(bytes, sourceLocation) { readRequest($0, upTo: $1, limits: limits) }
    guard case .complete(let summary, let consumed) = outcome else {
        Issue.record("\(outcome): \(text.debugDescription)", sourceLocation: sourceLocation)
        return nil
    }
    #expect(consumed == bytes.count, sourceLocation: sourceLocation)
    return summary
}

/// Checks that a request is refused, every way, with this fault.
func refuse(
    _ text: String, _ fault: WireError, limits: WireLimits = WireLimits(),
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let outcome = everyWay(octets(text), sourceLocation) { readRequest($0, upTo: $1, limits: limits) }
    if outcome != .refused(fault) {
        Issue.record("\(outcome): \(text.debugDescription)", sourceLocation: sourceLocation)
    }
}

/// The head of an acceptable answer, read every way.
@discardableResult
func acceptAnswer(
    _ text: String, to method: Method = .get, sourceLocation: SourceLocation = #_sourceLocation
) -> ResponseSummary? {
    let bytes = octets(text)
    let outcome = everyWay(bytes, sourceLocation) { readResponse($0, to: method, upTo: $1) }
    guard case .complete(let summary, let consumed) = outcome else {
        Issue.record("\(outcome): \(text.debugDescription)", sourceLocation: sourceLocation)
        return nil
    }
    #expect(consumed == bytes.count, sourceLocation: sourceLocation)
    return summary
}

/// Checks that an answer is refused, every way, with this fault.
func refuseAnswer(
    _ text: String, _ fault: WireError, to method: Method = .get, sourceLocation: SourceLocation = #_sourceLocation
) {
    let outcome = everyWay(octets(text), sourceLocation) { readResponse($0, to: method, upTo: $1) }
    if outcome != .refused(fault) {
        Issue.record("\(outcome): \(text.debugDescription)", sourceLocation: sourceLocation)
    }
}
