// Certificates and keys as they lie in files: base64 between dashed lines (RFC 7468).
#if TLS

internal import COpenSSL
internal import Glibc

enum PEMFile {
    /// More than any chain or bundle of roots; a device that never ends must not fill the memory.
    private static let bytesMax = 16 * 1024 * 1024

    /// Reads a whole file, now: contexts are made before a server serves, or on the blocking pool.
    static func read(_ path: String) throws(TLSError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .identity(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let got = Glibc.read(descriptor, &piece, piece.count)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw .identity(String(cString: strerror(errno))) }
            guard got > 0 else { return bytes }
            bytes += piece[..<got]
            guard bytes.count <= bytesMax else { throw .identity("it is larger than \(bytesMax) bytes") }
        }
    }

    /// The certificates in `pem`, at least one, in their order; the caller frees them.
    static func certificates(in pem: [UInt8]) throws(TLSError) -> [OpaquePointer] {
        try all("certificate", in: pem, read: { PEM_read_bio_X509($0, nil, nil, nil) }, free: X509_free)
    }

    /// The revocation lists in `pem`, at least one; the caller frees them.
    static func revocationLists(in pem: [UInt8]) throws(TLSError) -> [OpaquePointer] {
        try all("revocation list", in: pem, read: { PEM_read_bio_X509_CRL($0, nil, nil, nil) }, free: X509_CRL_free)
    }

    private static func all(
        _ kind: String, in pem: [UInt8], read: (OpaquePointer?) -> OpaquePointer?, free: (OpaquePointer?) -> Void
    ) throws(TLSError) -> [OpaquePointer] {
        OpenSSLErrors.clear()
        let found = withBIO(over: pem) { bio in
            var found: [OpaquePointer] = []
            while let one = read(bio) { found.append(one) }
            return found
        }
        // The reader that finds no further one says so as if it were an error; anything else is one.
        let cause = ERR_peek_last_error()
        OpenSSLErrors.clear()
        let isEnd =
            copenssl_error_library(cause) == ERR_LIB_PEM && copenssl_error_reason(cause) == PEM_R_NO_START_LINE
        if !found.isEmpty, cause == 0 || isEnd { return found }
        found.forEach { free($0) }
        throw .identity(isEnd ? "there is no \(kind) in it (PEM)" : OpenSSLErrors.reason(of: cause))
    }

    /// The private key in `pem`; the caller frees it.
    static func key(in pem: [UInt8], password: String?) throws(TLSError) -> OpaquePointer {
        OpenSSLErrors.clear()
        let secret = password.map { Array($0.utf8) }
        let key = withBIO(over: pem) { bio in
            // Without a callback OpenSSL would ask on the terminal.
            let ask: @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
                room, size, _, argument in
                // SAFETY: the argument is `secret`, which outlives the call that it was given to.
                guard let room, let secret = argument?.assumingMemoryBound(to: [UInt8]?.self).pointee else { return -1 }
                guard secret.count <= Int(size) else { return -1 }
                UnsafeMutableRawBufferPointer(start: room, count: Int(size)).copyBytes(from: secret)
                return Int32(secret.count)
            }
            return withUnsafePointer(to: secret) {
                PEM_read_bio_PrivateKey(bio, nil, ask, UnsafeMutableRawPointer(mutating: $0))
            }
        }
        if let key { return key }
        let cause = ERR_peek_last_error()
        OpenSSLErrors.clear()
        // OpenSSL tries one decoder after the other, and its last error is that of one which the bytes were not meant for.
        guard pem.contains(Array("PRIVATE KEY-----".utf8)) else {
            throw .identity("there is no private key in it (PEM)")
        }
        // "BEGIN ENCRYPTED PRIVATE KEY" (PKCS #8), or "Proc-Type: 4,ENCRYPTED" below the line.
        let isLocked = pem.contains(Array("ENCRYPTED".utf8))
        throw .identity(
            isLocked
                ? "the key is encrypted, and the password is \(password == nil ? "missing" : "wrong")"
                : OpenSSLErrors.reason(of: cause))
    }

    private static func withBIO<Result>(over bytes: [UInt8], _ body: (OpaquePointer?) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            // Reads in place, so the bytes must outlive it: it is gone before they are.
            let bio = BIO_new_mem_buf(bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1), Int32(bytes.count))
            defer { BIO_free(bio) }
            return body(bio)
        }
    }
}

extension TLSError {
    /// What is wrong, without the sentence around it.
    var detail: String {
        switch self {
        case .identity(let text), .roots(let text), .revocationLists(let text), .handshake(let text),
            .configuration(let text):
            text
        case .certificate, .alreadySecure: description
        }
    }
}
#endif
