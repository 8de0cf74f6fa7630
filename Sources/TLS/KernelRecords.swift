// A connection whose records the kernel makes: it got OpenSSL's keys for sending, and does what OpenSSL's record layer did.
//
// OpenSSL offers its keys to the BIO (`StreamBIO`), whatever that is, and sends plain bytes once they are taken. It keeps
// the handshake, everything that is received, and what is said in records of other types: tickets, alerts, close_notify.
// Application data goes straight to the transport and never through OpenSSL: 3.0 would remember where the bytes of a short
// write lay, which for a stream's buffer is not where they lie later.
#if TLS

internal import Coro

struct KernelRecords {
    /// The kernel has the keys.
    private(set) var isOn = false
    /// What OpenSSL has announced of the bytes that it hands over next.
    private var type: RecordType?
    /// Why nothing more can be sent: the kernel was to do what it cannot.
    private(set) var refusal: StreamError?

    /// RFC 8446 §5.1.
    private struct RecordType: RawRepresentable, Equatable {
        let rawValue: UInt8
        static let alert = RecordType(rawValue: 21)
        static let handshake = RecordType(rawValue: 22)
    }

    /// Offers OpenSSL's keys to the kernel.
    mutating func start(_ keys: UnsafeRawPointer, _ transport: StreamTransport) -> Bool {
        // What cannot be is refused before (`isKeyUpdate`): OpenSSL would take a no for leave to encipher what is enciphered.
        guard !isOn else { return false }
        isOn = transport.encipher(under: keys)
        return isOn
    }

    /// The bytes that OpenSSL sends next are a record of this type.
    mutating func announce(type number: Int) { type = UInt8(exactly: number).map(RecordType.init) }

    mutating func announceNothing() { type = nil }

    /// Sends for OpenSSL, once the kernel has the keys.
    mutating func send(_ bytes: UnsafeRawBufferPointer, _ transport: StreamTransport) -> StreamProgress {
        if let refusal { return .failed(refusal) }
        // Without a type they would be enciphered twice.
        guard let type else { return refuse("what the kernel enciphers was enciphered already", transport) }
        guard !isKeyUpdate(type, bytes) else { return refuseNewKeys(transport) }
        let progress = transport.sendRecord(ofType: type.rawValue, bytes)
        if case .moved = progress { self.type = nil }
        return progress
    }

    /// Ends it because the peer asked for new keys (RFC 8446 §4.6.3): nothing may be sent any more under the old ones.
    ///
    /// OpenSSL 3.0 would go on under new keys and not tell the kernel, so that the peer could read nothing more. Later ones
    /// tell it, and few kernels hear it (from 6.14 on).
    mutating func refuseNewKeys(_ transport: StreamTransport) -> StreamProgress {
        refuse("the peer wants new keys, and the kernel keeps the old ones", transport)
    }

    private func isKeyUpdate(_ type: RecordType, _ bytes: UnsafeRawBufferPointer) -> Bool {
        // RFC 8446 §4: key_update(24). In TLS 1.2 nothing has this number.
        type == .handshake && bytes.first == 24
    }

    private mutating func refuse(_ reason: String, _ transport: StreamTransport) -> StreamProgress {
        let error = StreamError.tls(reason)
        refusal = error
        // fatal(2), internal_error(80): a peer that is told does not have to guess. If there is room; it is over anyway.
        ([2, 80] as [UInt8]).withUnsafeBytes { _ = transport.sendRecord(ofType: RecordType.alert.rawValue, $0) }
        return .failed(error)
    }
}
#endif
