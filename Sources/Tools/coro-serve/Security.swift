// https for coro-serve: from files that are read again when they change, or with a certificate made for this run. The end
// of this file is for a build without TLS.

internal import Console
internal import Coro
internal import CoroTLS
internal import Glibc
internal import Http
#if TLS

final class Security: Sendable {
    private let server: TLSServer
    private let identity: TLSIdentity
    private let source: Options.TLS
    /// Where clients find the certificate that was made, and nobody the key.
    private let file: String?

    /// Nil when the options do not ask for TLS. Reads or makes the certificate now.
    init?(_ options: Options) throws(Complaint) {
        source = options.tls
        do {
            switch options.tls {
            case .none: return nil
            case .files(let certificate, let key):
                identity = try TLSIdentity(certificateFile: certificate, keyFile: key)
                file = nil
            case .development:
                identity = try TLSIdentity.selfSigned(names: Security.names(for: options.host))
                file = try Security.publish(identity)
            }
            let choices = TLSServer.Options(protocols: ["http/1.1"], usesKernelTLS: options.usesKernelTLS)
            server = try TLSServer(identity, choices)
        } catch let error as TLSError {
            throw Complaint("\(error) Look at --tls-cert and --tls-key; the key must not be encrypted.")
        } catch let complaint as Complaint {
            throw complaint
        } catch {
            throw Complaint("\(error)")
        }
    }

    func listen(
        _ server: HTTPServer, on address: SocketAddress, reusePort: Bool, log: AccessLog?
    ) async throws -> SocketAddress {
        try await server.listen(on: address, reusePort: reusePort, tls: self.server, whenRefused: log?.refused)
    }

    func listen(_ server: HTTPServer, on listener: Listener, log: AccessLog?) async throws {
        try await server.listen(on: listener, tls: self.server, whenRefused: log?.refused)
    }

    /// What was asked for and cannot be had; nil when all can.
    var shortcoming: String? {
        guard server.options.usesKernelTLS, !KernelTLS.isSupported else { return nil }
        return "this kernel has no TLS, records are enciphered in the process"
    }

    /// What people want to know who are to connect: whose certificate it is, and the line to paste.
    func introduction(at address: SocketAddress) -> String {
        let leaf = identity.leaf
        // Clients look for their host among these names and nowhere else (RFC 9525 §6.3), and would say that it is not there.
        let names =
            leaf.names.isEmpty
            ? "without a host name (no subjectAltName), which clients refuse,"
            : "for \(leaf.names.joined(separator: ", "))"
        let certificate = "certificate \(names) \(validity(of: leaf))\n  SHA-256 \(leaf.fingerprint)"
        guard let file else { return certificate }
        let isHere = ["127.0.0.1", "::1", "0.0.0.0", "::"].contains(address.host)
        let host = isHere ? "localhost:\(address.port)" : address.description
        return "\(certificate)\n  coro-fetch --cacert \(file) https://\(host)/"
    }

    private func validity(of leaf: Certificate) -> String {
        let now = Int64(time(nil))
        if leaf.notAfter.secondsSince1970 < now { return "expired on \(leaf.notAfter): clients refuse it" }
        if leaf.notBefore.secondsSince1970 > now { return "not valid before \(leaf.notBefore): clients refuse it" }
        return "until \(leaf.notAfter)"
    }

    // MARK: Reloading

    /// Only files can have changed.
    var mayReload: Bool { if case .files = source { true } else { false } }

    /// Reads the files again; what is wrong with them leaves everything as it was.
    ///
    /// - Returns: what became of it, in a line.
    func reload(on loop: EventLoop) async -> String {
        guard case .files(let certificate, let key) = source else { return "nothing to reload" }
        do {
            let server = server
            let leaf = try await loop.runBlocking {
                let identity = try TLSIdentity(certificateFile: certificate, keyFile: key)
                try server.reload([identity])
                return identity.leaf
            }
            return "reloaded: \(leaf.subject) \(validity(of: leaf)), SHA-256 \(leaf.fingerprint)"
        } catch {
            return "kept the certificate it has: \(error)"
        }
    }

    // MARK: A certificate for this run

    /// This machine's names, and the address that is bound if it is one.
    private static func names(for host: String) -> [String] {
        let everywhere = ["0.0.0.0", "::", "127.0.0.1", "::1"]
        return ["localhost", "127.0.0.1", "::1"] + (everywhere.contains(host) ? [] : [host])
    }

    /// Writes the certificate, not the key, to a new file in the temporary directory that only this user reads.
    private static func publish(_ identity: TLSIdentity) throws(Complaint) -> String {
        let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let path = "\(directory)/coro-serve-\(String(UInt64.random(in: 0 ... .max), radix: 36)).pem"
        // EXCL: whatever is there under this name, a link of somebody else's, is not written to.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Complaint("The certificate cannot be written to \(directory): \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        let pem = Array(identity.pem.certificates.utf8)
        guard pem.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == pem.count else {
            unlink(path)
            throw Complaint("The certificate cannot be written to \(path); is there room?")
        }
        return path
    }

    /// Takes the certificate that was made for this run away again.
    func end() { if let file { unlink(file) } }
}
#else

/// In a build without TLS there is none.
final class Security: Sendable {
    let mayReload = false
    let shortcoming: String? = nil

    init?(_ options: Options) throws(Complaint) {
        guard options.tls != .none else { return nil }
        throw Complaint(
            "This coro-serve has no TLS: it was built with --disable-default-traits. Build it without that; it takes "
                + "OpenSSL's headers (apt-get install libssl-dev).")
    }

    func listen(
        _ server: HTTPServer, on address: SocketAddress, reusePort: Bool, log: AccessLog?
    ) async throws -> SocketAddress {
        try await server.listen(on: address, reusePort: reusePort)
    }

    func listen(_ server: HTTPServer, on listener: Listener, log: AccessLog?) async throws {
        try await server.listen(on: listener)
    }

    func introduction(at address: SocketAddress) -> String { "" }
    func reload(on loop: EventLoop) async -> String { "" }
    func end() {}
}
#endif
