#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Testing

/// Against Python's ssl, both ways.
@Suite(.enabled(if: Peer.python != nil, "Python 3 is not installed.")) struct PythonTests {
    private static let server = """
        import socket, ssl, sys
        certificate, key, kind = sys.argv[1:4]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["echo"])
        listener = socket.create_server(("127.0.0.1", 0))
        print("ACCEPT 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
        plain, _ = listener.accept()
        if kind == "starttls":
            plain.sendall(b"220 ready\\r\\n")
            while plain.recv(1) != b"\\n": pass
            plain.sendall(b"220 go ahead\\r\\n")
        secure = context.wrap_socket(plain, server_side=True)
        while True:
            data = secure.recv(65536)
            if not data: break
            secure.sendall(data)
            if kind == "cut":
                # Below ssl: FIN without close_notify.
                socket.socket(fileno=secure.detach()).close()
                sys.exit()
        secure.unwrap()
        """

    private func withPython<Result>(
        _ kind: String, on loop: EventLoop, _ body: (ByteStream) async throws -> Result
    ) async throws -> Result {
        let folder = IdentityFolder()
        let (certificate, key) = folder.files(TestAuthority.localhost)
        return try await loop.withServer(
            Peer.python, [folder.file("server.py", Self.server), certificate, key, kind]
        ) { port, _ in try await body(try await Connector(loop: loop).connect(host: "127.0.0.1", port: port)) }
    }

    @Test func `a megabyte to Python's server and back, and a farewell from both`() async throws {
        try await withLoop { loop async throws in
            try await withPython("echo", on: loop) { stream in
                let client = try TestAuthority.client { $0.protocols = ["echo"] }
                try await stream.startTLS(client, host: "localhost")
                #expect(stream.tls?.applicationProtocol == "echo")
                let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 17) }
                let writing = loop.spawn {
                    try await stream.write(bytes)
                    stream.finishWriting()
                }
                #expect(try await stream.collect() == bytes)
                try await writing.value
            }
        }
    }

    @Test func `case 58: STARTTLS with Python's server`() async throws {
        try await withLoop { loop async throws in
            try await withPython("starttls", on: loop) { stream in
                #expect(try await stream.read(until: 10) == Array("220 ready\r\n".utf8))
                try await stream.write("STARTTLS\r\n")
                #expect(try await stream.read(until: 10) == Array("220 go ahead\r\n".utf8))
                try await stream.startTLS(try TestAuthority.client(), host: "localhost")
                try await stream.write("secret")
                #expect(try await stream.read(exactly: 6) == Array("secret".utf8))
            }
        }
    }

    @Test func `a server that cuts below TLS is truncated, with all that came before`() async throws {
        try await withLoop { loop async throws in
            try await withPython("cut", on: loop) { stream in
                try await stream.startTLS(try TestAuthority.client(), host: "localhost")
                try await stream.write("half")
                #expect(try await stream.read(exactly: 4) == Array("half".utf8))
                await #expect(throws: StreamError.truncated) { try await stream.collect() }
            }
        }
    }

    @Test(arguments: ["TLSv1_2", "TLSv1_3"])
    func `Python's client verifies us, resumes, and gets our farewell`(_ version: String) async throws {
        let script = """
            import socket, ssl, sys
            context = ssl.create_default_context(cafile=sys.argv[1])
            context.minimum_version = context.maximum_version = ssl.TLSVersion.\(version)
            # Without it a missing close_notify would be taken for an end.
            context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
            session = None
            for round in range(2):
                plain = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
                with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
                    secure.sendall(b"ping\\n")
                    data = b""
                    while True:
                        piece = secure.recv(65536)
                        if not piece: break
                        data += piece
                    print(len(data), secure.session_reused, secure.version())
                    session = secure.session
            """
        try await withLoop { loop async throws in
            let folder = IdentityFolder()
            let bytes = [UInt8](repeating: 7, count: 500_000)
            let handler: @Sendable (ByteStream) async throws -> Void = { stream in
                _ = try await stream.read(until: 10)
                try await stream.write(bytes)
            }
            let output = try await loop.serving(TestAuthority.server(), handler) { port in
                try await loop.run(
                    try #require(Peer.python), folder.file("client.py", script), folder.root, "\(port)")
            }
            let name = version.replacing("_", with: ".")
            #expect(output.text == "500000 False \(name)\n500000 True \(name)\n")
        }
    }
}
#endif
