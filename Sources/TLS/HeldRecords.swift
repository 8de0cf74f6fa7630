// Records that go with what is said next. OpenSSL hands over each record as soon as it is made, and each that is sent by itself is
// a call, a packet, and something for the peer to wake for.
//
// A server's tickets, two after a full handshake, wait for its answer: no client waits for one. And of what is longer than a record
// some wait for those behind them, which are made at once.
#if TLS

internal import Coro

/// Records that wait for others, with which they are sent in one call.
struct HeldRecords {
    private var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }

    mutating func hold(_ record: UnsafeRawBufferPointer) {
        // Behind one that is full comes another.
        if record.count > StreamTransport.recordLength { bytes.reserveCapacity(2 * record.count) }
        bytes += record
    }

    /// Sends once: what is held, and `more` behind it, of which alone `moved` tells.
    mutating func send(before more: UnsafeRawBufferPointer, _ transport: StreamTransport) -> StreamProgress {
        guard !bytes.isEmpty else { return transport.send(more) }
        let progress = bytes.withUnsafeBytes { transport.send($0, then: more) }
        switch progress {
        case .moved(let count) where count < bytes.count:
            bytes.removeFirst(count)
            return .wouldBlock
        case .moved(let count):
            let rest = count - bytes.count
            bytes = []
            // The kernel took less than there was, and has no room.
            return rest == 0 && !more.isEmpty ? .wouldBlock : .moved(rest)
        // Never without it: what comes behind would make no sense to the peer.
        case .failed, .wouldBlock, .end: return progress
        }
    }
}
#endif
