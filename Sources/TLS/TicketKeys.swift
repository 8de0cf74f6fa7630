// What tickets are sealed with. A ticket is a whole session in the client's hands: whoever has the key can open it, and with
// TLS 1.2 everything that was said in that session. So no key is kept for long.
#if TLS

internal import Coro
internal import COpenSSL
internal import Glibc

/// The key that seals tickets, and the one before it, which still opens them: the same for all identities and loops of a
/// server, and across reloads, so that a ticket stays good.
final class TicketKeys: Sendable {
    /// For this long a key seals, and for as long again it opens what it has sealed. A ticket itself is good for two hours
    /// (OpenSSL's default), and may be for seven days (RFC 8446 §4.6.1).
    static let period: Int64 = 12 * 3_600

    private struct Keys {
        var current = TicketKey()
        var previous: TicketKey?
        /// When the current key's time has begun.
        var begin: Int64
    }

    private let keys: Locked<Keys>
    private let now: @Sendable () -> Int64

    /// Makes the first key. `now` is in seconds, from wherever.
    init(now: @escaping @Sendable () -> Int64 = TicketKeys.secondsSinceBoot) {
        keys = Locked(Keys(begin: now()))
        self.now = now
    }

    /// The sleep of the machine counts: that a key was not used makes it no younger.
    private static func secondsSinceBoot() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec)
    }

    /// The keys of this moment. There is no timer: whoever needs a key sees to it that the old ones go.
    private func take() -> (current: TicketKey, previous: TicketKey?) {
        let now = now()
        return keys.withLock { keys in
            let periods = (now - keys.begin) / TicketKeys.period
            if periods > 0 {
                keys.previous = periods == 1 ? keys.current : nil
                keys.current = TicketKey()
                keys.begin += periods * TicketKeys.period
            }
            return (keys.current, keys.previous)
        }
    }

    /// Has a context's tickets sealed and opened with the keys of the connection's server.
    static func use(in context: OpaquePointer) {
        SSL_CTX_set_tlsext_ticket_key_evp_cb(context) { ssl, name, vector, cipher, mac, isSealing in
            guard let keys = (TLSLayer.of(ssl)?.owner as? ServerContexts)?.ticketKeys, let name, let vector else {
                return TicketKeys.failed
            }
            if isSealing == 1 { return keys.seal(name, vector, cipher, mac) }
            // With TLS 1.3 a ticket is used once (RFC 8446 appendix C.4).
            return keys.open(name, vector, cipher, mac, renewing: SSL_version(ssl) == TLS1_3_VERSION)
        }
    }

    // What the callback answers (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)).
    private static let failed: Int32 = -1
    private static let unknown: Int32 = 0
    private static let done: Int32 = 1
    /// Opened, and the client gets another.
    private static let openedToRenew: Int32 = 2

    private func seal(
        _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?
    ) -> Int32 {
        let key = take().current
        memcpy(name, key.name, TicketKey.nameLength)
        guard RAND_bytes(vector, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1,
            EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipherKey, vector) == 1,
            copenssl_mac_set_key(mac, key.macKey, TicketKey.keyLength) == 1
        else { return TicketKeys.failed }
        return TicketKeys.done
    }

    private func open(
        _ name: UnsafeMutablePointer<UInt8>, _ vector: UnsafeMutablePointer<UInt8>, _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?, renewing: Bool
    ) -> Int32 {
        let (current, previous) = take()
        let isCurrent = current.isNamed(name)
        guard let key = isCurrent ? current : previous, key.isNamed(name) else { return TicketKeys.unknown }
        guard copenssl_mac_set_key(mac, key.macKey, TicketKey.keyLength) == 1,
            EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nil, key.cipherKey, vector) == 1
        else { return TicketKeys.failed }
        return renewing || !isCurrent ? TicketKeys.openedToRenew : TicketKeys.done
    }
}

/// One key: its name, which its tickets bear, and what they are enciphered and authenticated with (RFC 5077 §4).
private final class TicketKey: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): immutable once made.

    static let nameLength = 16
    static let keyLength = 32

    private let bytes: UnsafeMutableRawBufferPointer

    init() {
        bytes = .allocate(byteCount: TicketKey.nameLength + 2 * TicketKey.keyLength, alignment: 16)
        var source = SystemRandomNumberGenerator()
        for offset in stride(from: 0, to: bytes.count, by: 8) {
            bytes.storeBytes(of: source.next(), toByteOffset: offset, as: UInt64.self)
        }
    }

    deinit {
        // What is freed may be read by others yet.
        OPENSSL_cleanse(bytes.baseAddress, bytes.count)
        bytes.deallocate()
    }

    var name: UnsafePointer<UInt8> { part(at: 0) }
    var cipherKey: UnsafePointer<UInt8> { part(at: TicketKey.nameLength) }
    var macKey: UnsafePointer<UInt8> { part(at: TicketKey.nameLength + TicketKey.keyLength) }

    func isNamed(_ name: UnsafePointer<UInt8>) -> Bool { memcmp(name, self.name, TicketKey.nameLength) == 0 }

    private func part(at offset: Int) -> UnsafePointer<UInt8> {
        // SAFETY: bytes are bytes, and these live as long as the key.
        UnsafePointer(bytes.baseAddress!.advanced(by: offset).assumingMemoryBound(to: UInt8.self))
    }
}
#endif
