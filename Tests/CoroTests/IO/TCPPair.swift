import Coro
import Testing

/// A connection over the loopback, for what a socket pair cannot do: FIN and RST, windows, options.
struct TCPPair {
    let client: ByteStream
    let server: ByteStream

    init(on loop: EventLoop, options: SocketOptions = SocketOptions()) async throws {
        let listener = try Listener(on: loop, address: .loopback(port: 0), options: options)
        defer { listener.close() }
        client = try await Connector(loop: loop, options: options).connect(to: listener.address)
        server = try #require(try await listener.accept())
    }
}
