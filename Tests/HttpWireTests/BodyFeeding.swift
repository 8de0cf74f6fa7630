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
    var offset = 0
    func summary() -> Outcome<BodySummary> {
        let trailers = decoder.trailers.map { [$0.name, $0.value] }
        let text = String(decoding: data, as: UTF8.self)
        return .complete(BodySummary(data: text, trailers: trailers, left: bytes.count - offset), consumed: 0)
    }
    do throws(WireError) {
        for end in ends ?? [bytes.count] {
            // Memory of exactly this size, so that a look beyond it can be caught.
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: end, alignment: 1)
            defer { buffer.deallocate() }
            buffer.copyBytes(from: bytes[..<end])
            var wantsMore = false
            while !wantsMore {
                switch try decoder.next(UnsafeRawBufferPointer(rebasing: buffer[offset...])) {
                case .needMore(let consumed):
                    #expect(offset + consumed == end, "all is consumed when more is needed")
                    offset = end
                    wantsMore = true
                case .data(let range, let consumed):
                    if range.isEmpty || range.upperBound != consumed { Issue.record("odd range \(range)") }
                    data += bytes[offset...].dropFirst(range.lowerBound).prefix(range.count)
                    offset += consumed
                case .end(let consumed):
                    #expect(decoder.isComplete)
                    offset += consumed
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
