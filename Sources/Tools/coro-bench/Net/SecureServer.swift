// The server of the TLS rows: CoroTLS and as little HTTP as the load needs, so that it is TLS that is compared.
#if TLS

internal import Console
internal import Coro
internal import CoroTLS
internal import Glibc

struct SecureServer: Sendable, Equatable {
    /// Where `certificate.pem`, `key.pem` and the files are.
    let folder: String

    /// Listens on a free port, says where on standard error, and serves until it is killed.
    func run() -> Never {
        do {
            let identity = try TLSIdentity(
                certificateFile: "\(folder)/\(SecureServer.certificate)", keyFile: "\(folder)/\(SecureServer.key)")
            let server = try TLSServer(identity)
            let loop = try EventLoop()
            try loop.runSync {
                guard let address = SocketAddress(ip: "127.0.0.1", port: 0) else { return }
                let listener = try Listener(on: loop, address: address)
                Console.note("listening on \(listener.address)\n")
                try await listener.serve { stream in
                    // A peer that goes when it has seen enough is no failure.
                    try? await serve(stream, server)
                }
            }
        } catch {
            Console.note("\(error)\n")
        }
        exit(1)
    }

    static let certificate = "certificate.pem"
    static let key = "key.pem"

    private func serve(_ stream: ByteStream, _ server: TLSServer) async throws {
        try await stream.startTLS(server)
        var staysOpen = true
        while staysOpen {
            let request = try await stream.read(until: UInt8(ascii: "\n"))
            while try await stream.read(until: UInt8(ascii: "\n")).count > 2 {}
            let words = String(decoding: request, as: UTF8.self).split { $0 == " " }
            guard words.count > 2 else { return }
            try await answer(with: "\(folder)\(words[1])", on: stream)
            // (CR and LF together are one Character.)
            staysOpen = words[2].hasPrefix("HTTP/1.1")
        }
    }

    private func answer(with path: String, on stream: ByteStream) async throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        var status = stat()
        fstat(file, &status)
        stream.append("HTTP/1.1 200 OK\r\nContent-Length: \(status.st_size)\r\n\r\n")
        try await stream.write(file: file, count: Int(status.st_size))
    }
}
#endif
