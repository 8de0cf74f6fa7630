// Where a streaming body is written: framing on the way out, and the promise of a length kept.

package import Coro
public import HttpWire

/// Writes the body of one message as it is made.
///
/// - Runs on: the loop of its connection. One task writes.
public final class BodyWriter: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): used by the task that sends the message, on the loop of its stream.

    private let stream: ByteStream
    private let declared: Int?
    private let isChunked: Bool
    private var written = 0
    private var quantum = Quantum(bytes: IncomingBody.bytesPerTurn)
    /// Sent after the last chunk of a chunked body; dropped by the other framings (RFC 9110 §6.5.1).
    public var trailers = Fields()

    package init(stream: ByteStream, declared: Int?, isChunked: Bool) {
        self.stream = stream
        self.declared = declared
        self.isChunked = isChunked
    }

    /// Sends a piece; suspends until the kernel has taken it.
    ///
    /// - Throws: `BodyError.wrongLength` when it would exceed the declared length: nothing of the piece is sent then.
    ///   `StreamError` when the peer is gone, `CancellationError`, `TimeoutError`.
    public func write(_ bytes: [UInt8]) async throws {
        try count(bytes)
        // A chunk of size zero would end the body.
        guard !bytes.isEmpty else { return }
        if isChunked {
            try queueChunk(bytes)
            try await stream.flush()
        } else {
            try await stream.write(bytes)
        }
        // A peer that reads as fast as we write must not keep the loop to itself.
        if quantum.renewIfSpent() { try await stream.loop.moment() }
    }

    /// Sends the UTF-8 of `text`.
    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    private func count(_ bytes: [UInt8]) throws {
        if let declared, written + bytes.count > declared {
            throw BodyError.wrongLength(declared: declared, written: written + bytes.count)
        }
        written += bytes.count
        quantum.spend(bytes.count)
    }

    private func queueChunk(_ bytes: [UInt8]) throws {
        let room = stream.reserveOutput(MessageEncoder.chunkHeaderBound)
        stream.commitOutput(try MessageEncoder.writeChunkHeader(size: bytes.count, into: room))
        bytes.withUnsafeBytes { stream.append($0) }
        stream.append(MessageEncoder.chunkEnd)
    }

    /// Ends the body: the last chunk and trailers, or the proof that the length was kept.
    package func finish() throws {
        if let declared, written != declared {
            throw BodyError.wrongLength(declared: declared, written: written)
        }
        guard isChunked else { return }
        let room = stream.reserveOutput(MessageEncoder.lastChunkBound(trailers: trailers))
        stream.commitOutput(try MessageEncoder.writeLastChunk(trailers: trailers, into: room))
    }
}

extension ByteStream {
    package func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
