// A message's body as it arrives: the bytes of one stream, between the end of one head and the start of the next.
// Server and client both read bodies through this; what must happen before the first read (the server's 100 Continue)
// and after the last one (the client's connection goes back to its pool) is given by them.

package import Coro
internal import Glibc
public import HttpWire

/// The body of a request or a response, read as it arrives.
///
/// Reading takes bytes off the connection only as fast as you ask, so a slow consumer slows the sender down. One task
/// reads a body, once.
///
/// - Runs on: the loop of its connection.
/// - Throws while reading: `WireError` for malformed chunks, `BodyError.truncated` when the peer leaves before the end,
///   `BodyError.tooLarge` over the limit, `StreamError`, `CancellationError`, `TimeoutError`.
public final class IncomingBody: AsyncSequence, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): read by one task at a time, on the loop of its stream, which the stream checks.

    public typealias Element = [UInt8]

    /// Where the body is in its life.
    private enum Place { case unread, reading, ended, failed(any Error) }

    private let stream: ByteStream?
    private var decoder: BodyDecoder
    private var place: Place
    private var received = 0
    private var quantum = Quantum(bytes: IncomingBody.bytesPerTurn)
    /// After this many bytes others on the loop get their turn.
    static let bytesPerTurn = 256 * 1024
    /// The most bytes this body may have; the message is refused beyond.
    package var limit = Int.max
    /// Runs before the first byte is waited for.
    package var beforeFirstRead: (() async throws -> Void)?
    /// Runs once, when the last byte has been read, or reading has failed.
    package var whenEnded: ((_ isComplete: Bool) -> Void)?
    /// The instant by which the body must have come, whoever reads it and when. Past it, reading has failed.
    package var deadline: LoopInstant?
    /// Says in the owner's words why reading failed.
    package var explain: ((any Error) -> any Error)?

    /// The declared length; nil when only the end will tell.
    public let length: Int?

    /// A message without a body. Shared: most requests have none, and none of those should cost an allocation.
    package static let empty = IncomingBody()

    private init() {
        stream = nil
        decoder = BodyDecoder(.none)
        place = .ended
        length = 0
    }

    package init(stream: ByteStream, framing: Framing, limits: WireLimits = WireLimits()) {
        self.stream = stream
        decoder = BodyDecoder(framing, limits: limits)
        place = .unread
        length =
            switch framing {
            case .none: 0
            case .length(let length): length
            case .chunked, .untilClose: nil
            }
    }

    /// True when there is nothing left to read.
    public var isEnded: Bool { if case .ended = place { true } else { false } }

    /// True once somebody has begun to read.
    package var isBegun: Bool { if case .unread = place { false } else { true } }

    /// True when reading has failed; so will every further read.
    package var hasFailed: Bool { if case .failed = place { true } else { false } }

    /// The trailer fields that came after the last chunk; complete once the body has ended.
    public var trailers: Fields { decoder.trailers }

    /// The next piece of the body, never empty; nil at its end.
    ///
    /// Suspends while none is there. After a failure every further call throws the same.
    public func next() async throws -> [UInt8]? {
        while true {
            if let piece = try await step() {
                if !piece.isEmpty { return piece }
            } else {
                return nil
            }
        }
    }

    /// Reads the whole body.
    ///
    /// - Parameter limit: the most bytes to keep; 16 MiB when not given.
    /// - Throws: `BodyError.tooLarge` beyond the limit, before reading anything when the declared length says so.
    public func collect(upTo limit: Int = 16 * 1024 * 1024) async throws -> [UInt8] {
        if let length, length > limit { throw BodyError.tooLarge(limit: limit) }
        var bytes: [UInt8] = []
        // A declared length is a claim: what it reserves is bounded, what it brings is appended.
        if let length { bytes.reserveCapacity(Swift.min(length, 1024 * 1024)) }
        while let piece = try await next() {
            guard bytes.count + piece.count <= limit else { throw BodyError.tooLarge(limit: limit) }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }

    /// Reads the whole body as UTF-8; what is no UTF-8 becomes U+FFFD.
    public func text(upTo limit: Int = 16 * 1024 * 1024) async throws -> String {
        String(decoding: try await collect(upTo: limit), as: UTF8.self)
    }

    /// Reads and drops what is left, at most `limit` bytes; false when there was more.
    package func drain(upTo limit: Int) async throws -> Bool {
        var dropped = 0
        while let piece = try await next() {
            dropped += piece.count
            if dropped > limit { return false }
        }
        return true
    }

    /// Drops what is here already of a body that nobody will read, without waiting for more.
    ///
    /// - Throws: `WireError` and `BodyError.tooLarge`, when what is here shows that the body is malformed or too large.
    package func dropBuffered() throws {
        guard let stream, !isEnded else { return }
        if case .failed(let error) = place { throw error }
        do {
            if !stream.unread.isEmpty, try decode(stream) != nil, !isEnded { place = .reading }
        } catch {
            fail(error)
            throw error
        }
    }

    // MARK: One step

    /// One look at the bytes: a piece (empty when only framing was read), or nil at the end.
    private func step() async throws -> [UInt8]? {
        guard let stream else { return nil }
        switch place {
        case .ended: return nil
        case .failed(let error): throw error
        case .reading: break
        case .unread:
            place = .reading
            // Bytes that are here already came without waiting for us (RFC 9110 §10.1.1 lets the client).
            if stream.unread.isEmpty, let before = beforeFirstRead { try await before() }
        }
        do {
            return try await decodeOrFill(stream)
        } catch let error as CancellationError {
            // Not the body's failure: nothing was consumed, and another read may go on.
            throw error
        } catch let error as TimeoutError where !isOverdue(on: stream.loop) {
            // The reader's own deadline: as above.
            throw error
        } catch {
            let error = explain?(error) ?? error
            fail(error)
            throw error
        }
    }

    private func fail(_ error: any Error) {
        place = .failed(error)
        end(isComplete: false)
    }

    private func decodeOrFill(_ stream: ByteStream) async throws -> [UInt8]? {
        guard let piece = try decode(stream) else { return nil }
        if !piece.isEmpty { return piece }
        do {
            if try await fill(stream) { return [] }
        } catch StreamError.truncated {
            // Without TLS's farewell anybody may have sent the end: one that only the connection's end marks is none then.
            throw BodyError.truncated(received: received)
        }
        guard (try? decoder.endOfInput()) != nil else { throw BodyError.truncated(received: received) }
        complete()
        return nil
    }

    /// What is here of the body, in one piece however many chunks it came in; empty when more must come, nil at the end.
    private func decode(_ stream: ByteStream) throws -> [UInt8]? {
        var piece: [UInt8] = []
        while true {
            switch try decoder.next(stream.unread) {
            case .data(let range, let consumed):
                received += range.count
                quantum.spend(range.count)
                guard received <= limit else { throw BodyError.tooLarge(limit: limit) }
                piece.append(contentsOf: stream.unread[range])
                stream.consume(consumed)
            case .end(let consumed):
                stream.consume(consumed)
                complete()
                return piece.isEmpty ? nil : piece
            case .needMore(let consumed):
                stream.consume(consumed)
                return piece
            }
        }
    }

    private func complete() {
        place = .ended
        end(isComplete: true)
    }

    private func fill(_ stream: ByteStream) async throws -> Bool {
        // A peer that is always faster than we are must not keep the loop to itself.
        if quantum.renewIfSpent() { try await stream.loop.moment() }
        // What is queued goes out before we wait: the peer may be waiting for it. (Unless somebody is sending it already.)
        if stream.unsentCount > 0, !stream.hasWriter { try await stream.flush() }
        guard let deadline else { return try await stream.fill() }
        return try await stream.loop.withDeadline(deadline) { try await stream.fill() }
    }

    private func isOverdue(on loop: EventLoop) -> Bool {
        guard let deadline else { return false }
        return loop.now >= deadline
    }

    private func end(isComplete: Bool) {
        let whenEnded = whenEnded.take()
        beforeFirstRead = nil
        explain = nil
        whenEnded?(isComplete)
    }

    // MARK: AsyncSequence

    public func makeAsyncIterator() -> Iterator { Iterator(body: self) }

    /// Reads one piece after the other; all iterators of a body share its place.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let body: IncomingBody

        public mutating func next() async throws -> [UInt8]? { try await body.next() }
    }
}

/// What can be wrong with a body beyond its framing.
public enum BodyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The connection ended before the body did.
    case truncated(received: Int)
    /// The body is larger than allowed.
    case tooLarge(limit: Int)
    /// More or fewer bytes were written than the declared length.
    case wrongLength(declared: Int, written: Int)

    public var description: String {
        switch self {
        case .truncated(let received): "The connection ended before the body did, after \(received) bytes of it."
        case .tooLarge(let limit): "The body is larger than the \(limit) bytes allowed."
        case .wrongLength(let declared, let written):
            "The body was declared to have \(declared) bytes, and \(written) were written."
        }
    }
}
