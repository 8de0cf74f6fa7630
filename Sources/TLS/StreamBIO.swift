// The two calls by which OpenSSL moves bytes, as a BIO: what it asks for is a layer's to do.
#if TLS

internal import Coro
internal import COpenSSL

enum StreamBIO {
    /// Makes a BIO for a layer, which must outlive it.
    static func make(for layer: TLSLayer) -> OpaquePointer? {
        guard let bio = BIO_new(method.pointer) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(layer).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// What a BIO of this kind does. Made once and never freed.
    private struct Method: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): immutable once made.
        let pointer: OpaquePointer?
    }

    private static let method: Method = {
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "byte stream")
        BIO_meth_set_read(method) { bio, room, count in
            copenssl_bio_clear_retry(bio)
            let room = UnsafeMutableRawBufferPointer(start: room, count: Int(count))
            switch StreamBIO.ask(bio, { $0.receiveCiphertext(into: room) }) ?? .failed(.closed) {
            case .moved(let count): return Int32(count)
            case .end: return 0
            case .failed: return -1
            case .wouldBlock:
                copenssl_bio_set_retry_read(bio)
                return -1
            }
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            copenssl_bio_clear_retry(bio)
            let bytes = UnsafeRawBufferPointer(start: bytes, count: Int(count))
            switch StreamBIO.ask(bio, { $0.sendCiphertext(bytes) }) ?? .failed(.closed) {
            case .moved(let count): return Int32(count)
            case .end, .failed: return -1
            case .wouldBlock:
                copenssl_bio_set_retry_write(bio)
                return -1
            }
        }
        BIO_meth_set_ctrl(method) { bio, command, number, keys in
            switch command {
            // Everything is handed on at once; 1 says that it worked.
            case BIO_CTRL_FLUSH: return 1
            // By this OpenSSL tells an end from an error.
            case BIO_CTRL_EOF: return StreamBIO.ask(bio) { $0.sawEnd } == true ? 1 : 0
            default: return StreamBIO.ask(bio) { $0.control(command, number, keys) } ?? 0
            }
        }
        return Method(pointer: method)
    }()

    private static func ask<Answer>(_ bio: OpaquePointer?, _ question: (TLSLayer) -> Answer) -> Answer? {
        // SAFETY: put there by `make`; the layer frees its SSL, and with it the BIO, before it is gone, and whoever has called
        // OpenSSL is a method of it.
        BIO_get_data(bio).map { Unmanaged<TLSLayer>.fromOpaque($0)._withUnsafeGuaranteedRef(question) }
    }
}
#endif
