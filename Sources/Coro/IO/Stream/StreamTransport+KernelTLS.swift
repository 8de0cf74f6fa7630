// What the kernel can do of a layer's work: with keys it enciphers what is sent, and the stream sends plain bytes again.
// Receiving stays the layer's.

internal import CLoop
internal import Glibc

extension StreamTransport {
    /// Has the kernel encipher what is sent from now on.
    ///
    /// - Parameter keys: a `struct tls12_crypto_info_…` (linux/tls.h).
    /// - Returns: false when it does not: it has no TLS, or not for this cipher or this kind of socket. Everything is as
    ///   it was then.
    package func encipher(under keys: UnsafeRawPointer) -> Bool {
        channel.map { cloop_tls_encipher($0.descriptor, keys) >= 0 } ?? false
    }

    /// Sends a record that is not application data: whole, or it would block.
    package func sendRecord(ofType type: UInt8, _ bytes: UnsafeRawBufferPointer) -> StreamProgress {
        channel?.sendRecord(ofType: type, bytes) ?? .failed(.closed)
    }

    /// Whether the kernel has room for some records more, asked now; what it would not have is announced.
    package func hasRoom() -> Bool {
        guard let channel else { return false }
        guard channel.mayWrite, cloop_socket_has_room(channel.descriptor) == 0 else { return channel.mayWrite }
        _ = channel.noteBlocked(.send)
        return false
    }
}

extension StreamChannel {
    fileprivate func sendRecord(ofType type: UInt8, _ bytes: UnsafeRawBufferPointer) -> Progress {
        guard mayWrite else { return .wouldBlock }
        // No kernel takes a part of it, so no fault does.
        var count = bytes.count
        if let faults, let outcome = interfere(faults, .send, &count) { return outcome }
        let sent = cloop_tls_send_record(descriptor, type, bytes.baseAddress, bytes.count)
        if sent == -Int64(EAGAIN) { return noteBlocked(.send) }
        guard sent >= 0 else { return noting(.failed(.broken(IOError(call: "sendmsg", code: Int32(-sent))))) }
        sentTotal &+= Int(sent)
        return .moved(Int(sent))
    }

    /// How much of a file goes in one call: where the kernel enciphers, up to the end of a record.
    ///
    /// Of each page but a call's last the kernel says that more follows, and of a record that ends in it too. TCP holds that
    /// back, for more or until the peer confirms what is on its way. Where a packet is longer than all there is room for,
    /// nothing is on its way, nothing more is taken, and it would be held back for ever.
    func fileCount(at offset: Int64, of count: Int) -> Int {
        guard layer != nil else { return count }
        return min(count, StreamTransport.recordLength - Int(offset % Int64(StreamTransport.recordLength)))
    }
}

/// What the kernel has, or has not.
package enum Kernel {
    /// Whether it can encipher.
    package static var hasTLS: Bool { cloop_tls_is_there() == 1 }
}
