// What may stand between a stream's bytes and the kernel's: TLS. The stream keeps its buffers, its waits and its rules; only
// the moving of bytes goes through the layer, which moves its own, enciphered, through the same channel.

internal import CLoop

/// What one attempt to move bytes came to.
package enum StreamProgress {
    case moved(Int)
    /// The peer has sent its last byte, and said so in the way that the layer demands.
    case end
    /// Nothing to receive, or no room to send, until the kernel announces a change.
    case wouldBlock
    case failed(StreamError)
}

/// Turns a stream's bytes into others and back. Called on the loop's thread, by the stream's channel.
package protocol StreamLayer: AnyObject {
    /// The two sides have still to agree: nothing of the stream's user is moved yet.
    var isSecuring: Bool { get }
    /// Receives bytes as the stream's user will see them.
    func receive(into room: UnsafeMutableRawBufferPointer) -> StreamProgress
    /// The last `receive` would block because something of the layer's own must be sent before.
    var mustSendToReceive: Bool { get }
    /// Sends bytes of the stream's user; `moved` counts those of them that are on their way and must not be offered again.
    ///
    /// What has not moved the next call must offer again, and may offer more behind it: a part of it may be enciphered already.
    func send(_ bytes: UnsafeRawBufferPointer) -> StreamProgress
    /// True when the kernel does the layer's work on what is sent, so that plain bytes go straight to it, a file's too.
    var isKernelSending: Bool { get }
    /// Tells the peer that no more will come. After `wouldBlock` it is called again.
    func finish() -> StreamProgress
    /// The channel is about to be closed: let go of what is held. `orderly`: all that was written has been sent, so that the
    /// peer may be told, as far as the kernel has room, that this was all.
    func close(orderly: Bool)
}

/// The kernel's side of a stream, as a layer sees it. Loop's thread.
package final class StreamTransport {
    /// The channel owns the layer, which owns this: it is cut when the channel lets go of its descriptor. (A weak reference would
    /// be looked up with every record.) Whoever asks later is told that the stream is closed.
    @exclusivity(unchecked) private(set) var channel: StreamChannel?

    init(_ channel: StreamChannel) { self.channel = channel }

    func cut() { channel = nil }

    /// Receives once from the kernel; `unannounced`: also when it has said nothing of more.
    package func receive(into room: UnsafeMutableRawBufferPointer, unannounced: Bool = false) -> StreamProgress {
        channel?.receiveRaw(into: room, unannounced: unannounced) ?? .failed(.closed)
    }

    /// Receives nothing before the loop's next iteration, whatever the kernel has: the turn is others'.
    package func endTurn() -> StreamProgress {
        guard let channel else { return .failed(.closed) }
        channel.announceLater(.readable)
        return channel.noteBlocked(.receive)
    }

    /// Takes what the kernel has and nobody will read, announced or not, in bounds. A socket that is closed with unread
    /// bytes sends RST, by which the peer may lose what it was sent last.
    package func drain() {
        guard let channel else { return }
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { room in
            for _ in 0..<16 { guard case .moved = channel.receiveRaw(into: room, unannounced: true) else { return } }
        }
    }

    /// Sends once to the kernel.
    package func send(_ bytes: UnsafeRawBufferPointer) -> StreamProgress {
        channel?.sendRaw(bytes) ?? .failed(.closed)
    }

    /// Sends once to the kernel, two runs of bytes with one call.
    package func send(_ first: UnsafeRawBufferPointer, then second: UnsafeRawBufferPointer) -> StreamProgress {
        channel?.sendRaw(first, then: second) ?? .failed(.closed)
    }

    /// The kernel may have room, as far as is known.
    package var mayWrite: Bool { channel?.mayWrite == true }

    /// What a record of TLS holds at most (RFC 8446 §5.1).
    package static let recordLength = 16 * 1024

    /// What of the stream's bytes goes together, in records that are sent with one call: three of them. They are what fits, with all
    /// that is about them, into the 64 KiB that the kernel hands to a network card (and on loopback to the peer) at once.
    package static let bytesTogether = 3 * recordLength
}

extension ByteStream {
    /// The layer that was put in, if there is one.
    package var layer: (any StreamLayer)? { channel.layer }

    /// Puts in a layer, through which everything goes from now on.
    ///
    /// - Parameter make: gets the kernel's side, and the bytes that have been received already: they are the layer's.
    /// - Throws: `StreamError.busy` while somebody reads or writes, or bytes are queued; what `make` throws.
    package func insert(_ make: (StreamTransport, [UInt8]) throws -> any StreamLayer) throws {
        guard loop.isCurrent else { throw StreamError.wrongThread }
        if let reason = channel.closeReason { throw reason }
        try channel.checkReader()
        try channel.checkWriter()
        // Bytes that were meant to go in the clear must not go through the layer.
        if unsentCount > 0 { throw StreamError.busy("writing") }
        let received = Array(unread)
        let transport = StreamTransport(channel)
        channel.layer = try make(transport, received)
        channel.transport = transport
        consume(received.count)
    }

    /// Sends by itself what was appended while the layer's two sides agreed.
    package func sendAppended() { channel.letGo() }

    /// Suspends until the kernel may have something for the layer.
    package func waitUntilReadable() async throws { try await channel.waitUntilReadable() }

    /// Suspends until the kernel may take something from the layer.
    package func waitUntilWritable() async throws { try await channel.waitUntilWritable() }
}
