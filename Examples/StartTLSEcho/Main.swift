// A line server that becomes secure when it is asked to. `StartTLSEcho 7000` serves 127.0.0.1:7000 until it is stopped (try it
// with `openssl s_client -connect 127.0.0.1:7000 -quiet` after a `STARTTLS` of your own); without a port it talks to itself.

#if TLS
import Coro
import CoroTLS

@main struct Main {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) }
        let loop = try EventLoop()
        try loop.runSync {
            // For development: it vouches for itself, and who is told to trust it does.
            let identity = try TLSIdentity.selfSigned()
            let server = try TLSServer(identity)
            let listener = try Listener(on: loop, address: .loopback(port: port ?? 0))
            print("listening on \(listener.address)")
            if port != nil { return try await listener.serve { try await echo($0, server) } }
            let serving = loop.spawn(name: "server") { try await listener.serve { try await echo($0, server) } }
            let client = try TLSClient(TLSClient.Options(roots: .certificate(of: identity)))
            try await talk(to: listener.address, client, on: loop)
            listener.close()
            try await serving.value
        }
        try loop.close()
    }

    /// Sends every line back, in the clear until `STARTTLS`, enciphered from then on. Whatever a peer has said in the clear
    /// behind that word is taken for its hello, and so refused.
    static func echo(_ stream: ByteStream, _ server: TLSServer) async throws {
        for try await line in stream.lines() {
            guard line == "STARTTLS" else {
                try await stream.write(line + "\n")
                continue
            }
            try await stream.write("go ahead\n")
            try await stream.startTLS(server)
        }
    }

    static func talk(to address: SocketAddress, _ client: TLSClient, on loop: EventLoop) async throws {
        let stream = try await Connector(loop: loop).connect(to: address)
        for line in ["hello", "STARTTLS", "a secret", "goodbye"] {
            try await stream.write(line + "\n")
            let answer = String(decoding: try await stream.read(until: 10).dropLast(), as: UTF8.self)
            print("\(stream.tls == nil ? "clear" : "secure"): sent \(line), got \(answer)")
            guard line == "STARTTLS" else { continue }
            try await stream.startTLS(client, host: "localhost")
            if let session = stream.tls { print("\(session.version), \(session.cipher)") }
        }
        stream.finishWriting()
        // nil is an end that the server has said; a cut would be an error.
        print(try await stream.read() == nil ? "the server has closed too" : "the server had more to say")
    }
}
#else
@main struct Main {
    static func main() { print("Built without TLS: build with the trait of that name.") }
}
#endif
