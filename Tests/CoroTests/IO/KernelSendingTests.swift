import CoroTesting
import Glibc
import Testing

@testable import Coro

/// A layer whose work on what is sent the kernel does, as the stream sees it; here there is none to do.
private final class KernelLayer: StreamLayer {
    private let transport: StreamTransport

    init(_ transport: StreamTransport) { self.transport = transport }

    func receive(into room: UnsafeMutableRawBufferPointer) -> StreamProgress { transport.receive(into: room) }
    var mustSendToReceive: Bool { false }
    func send(_ bytes: UnsafeRawBufferPointer) -> StreamProgress { transport.send(bytes) }
    var isKernelSending: Bool { true }
    func finish() -> StreamProgress { .end }
    func close(orderly: Bool) {}
}

@Suite struct KernelSendingTests {
    private static let text = (0..<400_000).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8)) }

    private func isCorked(_ stream: ByteStream) -> Bool {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(stream.channel.descriptor, Int32(IPPROTO_TCP), TCP_CORK, &value, &length)
        return value != 0
    }

    /// TCP keeps back the end of what is sent, for more that is to come, and the peer does not read: is it told to send it?
    private func isPushed(
        throughKernelLayer: Bool, _ write: @escaping @Sendable (ByteStream) async throws -> Void
    ) async throws -> Bool {
        try await withLoop { loop async throws in
            let options = SocketOptions(sendBufferBytes: 16 * 1024, receiveBufferBytes: 16 * 1024)
            let pair = try await TCPPair(on: loop, options: options)
            if throughKernelLayer { try pair.server.insert { transport, _ in KernelLayer(transport) } }
            var on: Int32 = 1
            setsockopt(pair.server.channel.descriptor, Int32(IPPROTO_TCP), TCP_CORK, &on, 4)
            #expect(isCorked(pair.server))
            let writing = loop.spawn { try await write(pair.server) }
            while !pair.server.isWriterWaiting, !writing.future.isDone { try await loop.moment() }
            #expect(pair.server.isWriterWaiting)
            let isPushed = !isCorked(pair.server)
            #expect(try await pair.client.read(exactly: Self.text.count) == Self.text)
            try await writing.value
            return isPushed
        }
    }

    @Test func `a file that finds no room where the kernel enciphers is pushed on`() async throws {
        let file = TemporaryFile(Self.text)
        #expect(
            try await isPushed(throughKernelLayer: true) {
                try await $0.write(file: file.descriptor, count: Self.text.count)
            })
    }

    @Test func `bytes that find no room where the kernel enciphers are pushed on`() async throws {
        #expect(try await isPushed(throughKernelLayer: true) { try await $0.write(Self.text) })
    }

    @Test func `TCP alone is not told what it knows`() async throws {
        let file = TemporaryFile(Self.text)
        #expect(
            try await !isPushed(throughKernelLayer: false) {
                try await $0.write(file: file.descriptor, count: Self.text.count)
            })
    }
}
