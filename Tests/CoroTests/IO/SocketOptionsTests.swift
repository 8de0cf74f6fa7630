import CoroTesting
import Glibc
import Testing

@testable import Coro

@Suite struct SocketOptionsTests {
    private func value(_ stream: ByteStream, _ level: Int32, _ option: Int32) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(stream.channel.descriptor, level, option, &value, &length)
        return value
    }

    private func lingers(_ stream: ByteStream) -> Bool {
        var value = linger()
        var length = socklen_t(MemoryLayout<linger>.size)
        getsockopt(stream.channel.descriptor, SOL_SOCKET, SO_LINGER, &value, &length)
        #expect(value.l_linger == 0)
        return value.l_onoff != 0
    }

    private static let tcp = Int32(IPPROTO_TCP)

    @Test func `a connection sends small pieces at once, from the start, on both sides`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            for stream in [pair.client, pair.server] {
                #expect(value(stream, Self.tcp, TCP_NODELAY) == 1)
                #expect(value(stream, SOL_SOCKET, SO_KEEPALIVE) == 0)
                #expect(!lingers(stream))
            }
        }
    }

    @Test func `options are set on a stream, and what is not named stays`() async throws {
        try await withLoop { loop async throws in
            let stream = try await TCPPair(on: loop).client
            try stream.set(SocketOptions(noDelay: false))
            #expect(value(stream, Self.tcp, TCP_NODELAY) == 0)
            let times = SocketOptions.KeepAlive(idle: .seconds(30), interval: .milliseconds(4_100), count: 3)
            try stream.set(SocketOptions(keepAlive: .on(times)))
            #expect(value(stream, Self.tcp, TCP_NODELAY) == 0)
            #expect(value(stream, SOL_SOCKET, SO_KEEPALIVE) == 1)
            #expect(value(stream, Self.tcp, TCP_KEEPIDLE) == 30)
            #expect(value(stream, Self.tcp, TCP_KEEPINTVL) == 5)
            #expect(value(stream, Self.tcp, TCP_KEEPCNT) == 3)
            try stream.set(SocketOptions(noDelay: true, keepAlive: .off, resetsOnClose: true))
            #expect(value(stream, Self.tcp, TCP_NODELAY) == 1)
            #expect(value(stream, SOL_SOCKET, SO_KEEPALIVE) == 0)
            #expect(lingers(stream))
            try stream.set(SocketOptions(resetsOnClose: false))
            #expect(!lingers(stream))
            // The kernel doubles what it is told (socket(7)).
            try stream.set(SocketOptions(sendBufferBytes: 20_000, receiveBufferBytes: 30_000))
            #expect(value(stream, SOL_SOCKET, SO_SNDBUF) == 40_000)
            #expect(value(stream, SOL_SOCKET, SO_RCVBUF) == 60_000)
            stream.close()
            #expect(throws: StreamError.closed) { try stream.set(SocketOptions(noDelay: true)) }
        }
    }

    @Test func `a listener's options are inherited by what it accepts, a connector's are set before it connects`()
        async throws
    {
        try await withLoop { loop async throws in
            let options = SocketOptions(
                noDelay: false, keepAlive: .on, resetsOnClose: true, sendBufferBytes: 20_000, receiveBufferBytes: 30_000
            )
            let pair = try await TCPPair(on: loop, options: options)
            for stream in [pair.client, pair.server] {
                #expect(value(stream, Self.tcp, TCP_NODELAY) == 0)
                #expect(value(stream, SOL_SOCKET, SO_KEEPALIVE) == 1)
                #expect(value(stream, Self.tcp, TCP_KEEPIDLE) == 60)
                #expect(lingers(stream))
                #expect(value(stream, SOL_SOCKET, SO_SNDBUF) == 40_000)
                #expect(value(stream, SOL_SOCKET, SO_RCVBUF) == 60_000)
            }
        }
    }

    @Test func `a listener gives its options to a socket that it takes over`() async throws {
        try await withLoop { loop async throws in
            let first = try Listener(on: loop, address: .loopback(port: 0))
            let options = SocketOptions(noDelay: false, keepAlive: .on, sendBufferBytes: 20_000)
            let listener = try Listener(takingOver: dup(first.source.descriptor), on: loop, options: options)
            let client = try await Connector(loop: loop).connect(to: listener.address)
            let server = try #require(try await listener.accept())
            #expect(value(server, Self.tcp, TCP_NODELAY) == 0)
            #expect(value(server, SOL_SOCKET, SO_KEEPALIVE) == 1)
            #expect(value(server, SOL_SOCKET, SO_SNDBUF) == 40_000)
            client.close()
        }
    }

    @Test func `closing with a reset is told to the peer`() async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            try pair.server.set(SocketOptions(resetsOnClose: true))
            pair.server.close()
            await #expect(throws: StreamError.broken(IOError(call: "recv", code: ECONNRESET))) {
                try await pair.client.read()
            }
        }
    }

    @Test func `unix sockets take the buffer sizes and leave the rest out`() async throws {
        try await withLoop { loop async throws in
            let options = SocketOptions(
                noDelay: false, keepAlive: .on, resetsOnClose: true, sendBufferBytes: 20_000, receiveBufferBytes: 30_000
            )
            let pair = try StreamPair(on: loop)
            try pair.left.set(options)
            #expect(value(pair.left, SOL_SOCKET, SO_SNDBUF) == 40_000)
            #expect(!lingers(pair.left))
            let address = try #require(SocketAddress(abstract: "coro-options-\(getpid())"))
            let listener = try Listener(on: loop, address: address, options: options)
            let client = try await Connector(loop: loop, options: options).connect(to: address)
            try await client.write("x")
            let server = try #require(try await listener.accept())
            #expect(try await server.read() == [120])
        }
    }
}
