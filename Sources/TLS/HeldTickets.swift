// A server's tickets go with what it says next. OpenSSL hands over each as soon as it is made, two after a full handshake, and
// no client waits for one; sent at once, each is a packet of its own, which takes more of a handshake's time than making it.
#if TLS

internal import Coro

/// Records that wait for others, with which they are sent in one call.
struct HeldTickets {
    private var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }

    mutating func hold(_ record: UnsafeRawBufferPointer) { bytes += record }

    /// Sends once: what is held, and `more` behind it, of which alone `moved` tells.
    mutating func send(before more: UnsafeRawBufferPointer, _ transport: StreamTransport) -> StreamProgress {
        guard !bytes.isEmpty else { return transport.send(more) }
        let progress = (bytes + more).withUnsafeBytes { transport.send($0) }
        switch progress {
        case .moved(let count) where count < bytes.count:
            bytes.removeFirst(count)
            return .wouldBlock
        case .moved(let count):
            let rest = count - bytes.count
            bytes = []
            // The kernel took less than there was, and has no room.
            return rest == 0 && !more.isEmpty ? .wouldBlock : .moved(rest)
        case .failed:
            bytes = []
            return progress
        case .wouldBlock, .end: return progress
        }
    }
}
#endif
