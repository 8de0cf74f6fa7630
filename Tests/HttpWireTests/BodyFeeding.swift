import HttpWire
import Testing

/// A decoded body, for comparison.
struct BodySummary: Equatable {
    var data: String
    var trailers: [[String]]
    /// Bytes after the body's end.
    var left: Int
}

/// Decodes `bytes` handed over in pieces that end at `ends`; then the end of input if `closes`.
func readBody(
    _ framing: Framing, _ bytes: [UInt8], upTo ends: [Int]? = nil, closes: Bool = false,
    limits: WireLimits = WireLimits()
) -> Outcome<BodySummary> {
    var decoder = BodyDecoder(framing, limits: limits)
    var data: [UInt8] = []
    var pending: [UInt8] = []
    var fed = 0
    func summary() -> Outcome<BodySummary> {
        let trailers = decoder.trailers.map { [$0.name, $0.value] }
        let left = bytes.count - fed + pending.count
        return .complete(
            BodySummary(data: String(decoding: data, as: UTF8.self), trailers: trailers, left: left), consumed: 0)
    }
    do throws(WireError) {
        for end in ends ?? [bytes.count] {
            pending += bytes[fed..<end]
            fed = end
            var wantsMore = false
            while !wantsMore {
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pending.count, alignment: 1)
                defer { buffer.deallocate() }
                buffer.copyBytes(from: pending)
                switch try decoder.next(UnsafeRawBufferPointer(buffer)) {
                case .needMore(let consumed):
                    #expect(consumed == pending.count, "all is consumed when more is needed")
                    pending.removeFirst(consumed)
                    wantsMore = true
                case .data(let range, let consumed):
                    #expect(!range.isEmpty && range.upperBound == consumed)
                    data += pending[range]
                    pending.removeFirst(consumed)
                case .end(let consumed):
                    #expect(decoder.isComplete)
                    pending.removeFirst(consumed)
                    return summary()
                }
            }
        }
        if closes {
            try decoder.endOfInput()
            #expect(decoder.isComplete)
            return summary()
        }
    } catch {
        // A decoder that has thrown goes on throwing.
        #expect((try? decoder.next(UnsafeRawBufferPointer(start: nil, count: 0))) == nil)
        return .refused(error)
    }
    return .incomplete
}

/// The body of a chunked text, whole, byte by byte, split at every byte and with bytes behind it.
@discardableResult
func acceptChunks(
    _ text: String, limits: WireLimits = WireLimits(), sourceLocation: SourceLocation = #_sourceLocation
) -> BodySummary? {
    let bytes = octets(text)
    let whole = readBody(.chunked, bytes, limits: limits)
    everyBodyWay(bytes, whole, limits, sourceLocation)
    guard case .complete(let summary, _) = whole else {
        Issue.record("\(whole): \(text.debugDescription)", sourceLocation: sourceLocation)
        return nil
    }
    #expect(summary.left == 0, sourceLocation: sourceLocation)
    let trailed = readBody(.chunked, bytes + octets("GET /smuggled"), limits: limits)
    if case .complete(let other, _) = trailed {
        #expect(other.data == summary.data && other.left == 13, sourceLocation: sourceLocation)
    } else {
        Issue.record("with bytes behind it: \(trailed)", sourceLocation: sourceLocation)
    }
    return summary
}

/// Checks that a chunked text is refused, every way, with this fault.
func refuseChunks(
    _ text: String, _ fault: WireError, limits: WireLimits = WireLimits(),
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let bytes = octets(text)
    let whole = readBody(.chunked, bytes, limits: limits)
    if whole != .refused(fault) { Issue.record("\(whole): \(text.debugDescription)", sourceLocation: sourceLocation) }
    everyBodyWay(bytes, whole, limits, sourceLocation)
}

private func everyBodyWay(
    _ bytes: [UInt8], _ whole: Outcome<BodySummary>, _ limits: WireLimits, _ location: SourceLocation
) {
    guard bytes.count <= 400 else { return }
    let drip = readBody(.chunked, bytes, upTo: Array(0...bytes.count), limits: limits)
    #expect(drip == whole, "byte by byte", sourceLocation: location)
    for split in 0..<bytes.count {
        let halves = readBody(.chunked, bytes, upTo: [split, bytes.count], limits: limits)
        if halves != whole { Issue.record("split at \(split): \(halves)", sourceLocation: location) }
    }
}
