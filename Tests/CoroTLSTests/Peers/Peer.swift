#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// Other people's TLS, run as processes. A test that needs one is skipped where it is not installed.
enum Peer {
    static let openssl = find("openssl")
    static let python = find("python3")
    static let curl = find("curl")

    private static func find(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }
}

/// A folder with identities as files, gone with all that is in it at the end.
final class IdentityFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/coro-tls-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "No folder could be made in /tmp.")
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        guard let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                // SAFETY: d_name is a NUL-terminated array of char inside the entry (readdir(3)).
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlink("\(path)/\(name)")
        }
        closedir(directory)
        rmdir(path)
    }

    /// Writes text to a file and returns its path.
    func file(_ name: String, _ text: String) -> String {
        let path = "\(path)/\(name)"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let bytes = Array(text.utf8)
        precondition(write(descriptor, bytes, bytes.count) == bytes.count, "\(path) could not be written.")
        close(descriptor)
        return path
    }

    /// An identity as two files: `-cert`, `-key`.
    func files(_ identity: TLSIdentity, _ name: String = "server") -> (certificate: String, key: String) {
        let pem = identity.pem
        return (file("\(name).pem", pem.certificates), file("\(name).key", pem.key))
    }

    var root: String { file("root.pem", TestAuthority.root.pem.certificates) }
}

extension EventLoop {
    /// Runs `openssl s_server` (or another program that says `ACCEPT host:port`) while `body` connects to its port.
    func withServer<Result>(
        _ program: String?, _ arguments: [String], _ body: (UInt16, Subprocess) async throws -> Result
    ) async throws -> Result {
        let command = Subprocess.Command(try #require(program), arguments: arguments)
        return try await withSubprocess(command, input: .pipe, output: .pipe, error: .null) { process in
            let output = try #require(process.standardOutput)
            while true {
                let line = String(decoding: try await output.read(until: 10), as: UTF8.self)
                guard line.hasPrefix("ACCEPT"), let colon = line.lastIndex(of: ":") else { continue }
                let digits = line[line.index(after: colon)...].prefix { $0.isNumber }
                return try await body(try #require(UInt16(digits)), process)
            }
        }
    }

    /// Serves with `handler` while `body` has a program connect to the port.
    func serving<Result>(
        _ server: TLSServer, _ handler: @escaping @Sendable (ByteStream) async throws -> Void,
        _ body: (UInt16) async throws -> Result
    ) async throws -> Result {
        let listener = try Listener(on: self, address: .loopback(port: 0))
        let task = spawn { try await listener.serve(tls: server, handler) }
        do {
            let result = try await body(listener.address.port)
            listener.close()
            try await task.value
            return result
        } catch {
            listener.close()
            try await task.value
            throw error
        }
    }
}
#endif
