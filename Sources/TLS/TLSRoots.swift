// Whom we trust: the certificates that a peer's must hang on.
#if TLS

internal import COpenSSL

/// Where trusted certificates come from. Several may be put together: `[.system, .file("ours.pem")]`.
///
/// Each is trusted as it is, whoever has signed it: a root, an authority below one, a server's own certificate. Where
/// revocation lists are asked for (`TLSRevocation`), only one that has signed itself is.
public struct TLSRoots: Equatable, Sendable, ExpressibleByArrayLiteral {
    enum Source: Equatable, Sendable {
        case system
        case file(String)
        case directory(String)
        case pem([UInt8])
    }

    let sources: [Source]

    private init(sources: [Source]) { self.sources = sources }

    /// All of several.
    public init(arrayLiteral several: TLSRoots...) { sources = several.flatMap(\.sources) }

    /// Those of this machine: what OpenSSL was built to look for, or the variables `SSL_CERT_FILE` and `SSL_CERT_DIR` say.
    public static let system = TLSRoots(sources: [.system])

    /// Those in a file, in PEM.
    public static func file(_ path: String) -> TLSRoots { TLSRoots(sources: [.file(path)]) }

    /// Those in a directory, in files named by hash (`openssl rehash`), looked up when they are needed.
    public static func directory(_ path: String) -> TLSRoots { TLSRoots(sources: [.directory(path)]) }

    /// These, in PEM.
    public static func pem(_ bytes: [UInt8]) -> TLSRoots { TLSRoots(sources: [.pem(bytes)]) }

    /// The certificate of an identity, and none of those that it hangs on.
    public static func certificate(of identity: TLSIdentity) -> TLSRoots {
        .pem(Array(TLSIdentity.text { PEM_write_bio_X509($0, identity.certificate) }.utf8))
    }

    /// Reads them into a context. Files are read here and now.
    func load(into context: OpaquePointer) throws(TLSError) {
        for source in sources {
            OpenSSLErrors.clear()
            switch source {
            case .system:
                guard SSL_CTX_set_default_verify_paths(context) == 1 else {
                    throw .roots("those of the system: \(OpenSSLErrors.takeReason())")
                }
            case .file(let path):
                // Read by us, so that what is missing or unreadable is told apart from what is no certificate.
                do throws(TLSError) { try TLSRoots.add(try PEMFile.read(path), to: context) } catch {
                    throw .roots("\(path): \(error.detail)")
                }
            case .directory(let path):
                guard SSL_CTX_load_verify_dir(context, path) == 1 else {
                    throw .roots("\(path): \(OpenSSLErrors.takeReason())")
                }
            case .pem(let bytes):
                do throws(TLSError) { try TLSRoots.add(bytes, to: context) } catch { throw .roots(error.detail) }
            }
        }
    }

    private static func add(_ pem: [UInt8], to context: OpaquePointer) throws(TLSError) {
        let certificates = try PEMFile.certificates(in: pem)
        defer { certificates.forEach { X509_free($0) } }
        let store = SSL_CTX_get_cert_store(context)
        for certificate in certificates where X509_STORE_add_cert(store, certificate) != 1 {
            throw .roots(OpenSSLErrors.takeReason())
        }
    }

    /// Tells clients which authorities we would accept a certificate of: those that are named one by one.
    func announce(in context: OpaquePointer) {
        for source in sources {
            let pem: [UInt8]? =
                switch source {
                case .file(let path): try? PEMFile.read(path)
                case .pem(let bytes): bytes
                case .system, .directory: nil
                }
            for certificate in pem.flatMap({ try? PEMFile.certificates(in: $0) }) ?? [] {
                SSL_CTX_add_client_CA(context, certificate)
                X509_free(certificate)
            }
        }
    }
}
#endif
