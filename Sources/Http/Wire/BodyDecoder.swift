/// Finds a message's body in the bytes after its head; copies none of it and does no I/O (RFC 9112 §6, §7.1).
///
/// Call ``next(_:)`` with the bytes at hand, drop what it consumed, and repeat until it says `end` or wants more.
/// After it has thrown, it throws the same again.
public struct BodyDecoder: Sendable {
    /// What a call found.
    public enum Step: Sendable, Equatable {
        /// All bytes passed are consumed, and more are needed.
        case needMore(consumed: Int)
        /// The body goes on with these of the bytes passed; `consumed` counts them and the framing before them.
        case data(Range<Int>, consumed: Int)
        /// The body is complete; the bytes after `consumed` belong to the next message.
        case end(consumed: Int)
    }

    /// The trailer fields, complete once the body is.
    ///
    /// Fields for framing, routing, authentication, request control or the content's meaning are dropped: they were to
    /// be acted on before the body came (RFC 9110 §6.5.1).
    public var trailers: Fields { trailerLines.fields }

    /// Whether the end of the body has been seen. A length's last byte is an end, without another call.
    public var isComplete: Bool { place == .complete }

    private let limits: WireLimits
    private var place: Place
    /// Bytes still to come of the declared length or of the current chunk.
    private var remaining = 0
    private var line = ChunkLine()
    private var overhead = 0
    private var delivered = 0
    private var trailerLines = TrailerLines()
    private var failure: WireError?

    private enum Place: UInt8 {
        case complete, length, untilClose, chunkLine, chunkData, chunkCR, chunkLF, trailers
    }

    /// A decoder for one body. A negative length counts as zero.
    public init(_ framing: Framing, limits: WireLimits = WireLimits()) {
        self.limits = limits
        switch framing {
        case .none: place = .complete
        case .length(let length):
            remaining = max(length, 0)
            place = remaining == 0 ? .complete : .length
        case .chunked: place = .chunkLine
        case .untilClose: place = .untilClose
        }
    }

    /// Looks at the bytes that follow those consumed so far. Linear in the bytes consumed; allocates for trailers only.
    ///
    /// Throws the chunk and trailer faults of ``WireError``; nothing of a body is to be believed after that.
    public mutating func next(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Step {
        if let failure { throw failure }
        do throws(WireError) { return try step(bytes) } catch {
            failure = error
            throw error
        }
    }

    /// Takes note that the peer has closed its side.
    ///
    /// That is the end of a body framed so, and changes nothing after a complete one. Any other is cut off (RFC 9112
    /// §8): throws ``WireError/truncatedBody``.
    public mutating func endOfInput() throws(WireError) {
        if let failure { throw failure }
        switch place {
        case .complete: return
        case .untilClose: place = .complete
        default:
            failure = .truncatedBody
            throw .truncatedBody
        }
    }

    private mutating func step(_ buffer: UnsafeRawBufferPointer) throws(WireError) -> Step {
        let end = buffer.count
        if place == .complete { return .end(consumed: 0) }
        guard let base = buffer.baseAddress, end > 0 else { return .needMore(consumed: 0) }
        let bytes = Bytes(base)
        var index = 0
        while true {
            switch place {
            case .complete:
                return .end(consumed: index)
            case .untilClose:
                return .data(0..<end, consumed: end)
            case .length, .chunkData:
                guard index < end else { return .needMore(consumed: end) }
                let count = min(remaining, end &- index)
                remaining &-= count
                if remaining == 0 { place = place == .length ? .complete : .chunkCR }
                // Saturates: a body that counts past 2^63 bytes has long earned its framing.
                delivered = delivered.addingReportingOverflow(count).overflow ? Int.max : delivered &+ count
                return .data(index..<(index &+ count), consumed: index &+ count)
            case .chunkCR, .chunkLF:
                guard index < end else { return .needMore(consumed: end) }
                let expected = place == .chunkCR ? Byte.cr : Byte.lf
                guard bytes[index] == expected else { throw .missingChunkEnd }
                place = place == .chunkCR ? .chunkLF : .chunkLine
                index &+= 1
            case .chunkLine:
                guard let next = try line.read(bytes, from: index, to: end, limit: limits.chunkLineBytes) else {
                    return .needMore(consumed: end)
                }
                index = next
                try beginChunk()
            case .trailers:
                guard let next = try trailerLines.read(bytes, from: index, to: end, limits: limits) else {
                    return .needMore(consumed: end)
                }
                index = next
                place = .complete
            }
        }
    }

    private mutating func beginChunk() throws(WireError) {
        // RFC 9112 §7.1.1 asks for a limit on extensions. Tiny chunks are counted the same way: framing may cost as
        // much as the body it carries, plus a constant.
        overhead &+= line.bytesRead &+ 2
        guard overhead <= limits.chunkOverheadBytes || overhead &- limits.chunkOverheadBytes <= delivered else {
            throw .chunkOverhead
        }
        remaining = line.size
        place = remaining == 0 ? .trailers : .chunkData
        line = ChunkLine()
    }
}
