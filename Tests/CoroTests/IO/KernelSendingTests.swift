import CoroTesting
import Testing

@testable import Coro

/// A layer whose work on what is sent the kernel does, as the stream sees it; here there is none to do.
private final class KernelLayer: StreamLayer {
    let isSecuring = false
    private let transport: StreamTransport

    init(_ transport: StreamTransport) { self.transport = transport }

    func receive(into room: UnsafeMutableRawBufferPointer) -> StreamProgress { transport.receive(into: room) }
    var mustSendToReceive: Bool { false }
    func send(_ bytes: UnsafeRawBufferPointer) -> StreamProgress { transport.send(bytes) }
    var isKernelSending: Bool { true }
    func finish() -> StreamProgress { .end }
    func close(orderly: Bool) {}
}

/// Notes what each call is about to send behind.
private final class Notes: StreamFaultSource {
    private(set) var sent: [Int] = []

    func verdict(on call: StreamCall, moved: Int) -> StreamVerdict {
        if call == .sendFile { sent.append(moved) }
        return .pass
    }

    func letGo() {}
}

@Suite struct KernelSendingTests {
    /// What ends inside a call, TCP is told to hold back.
    @Test(arguments: [true, false])
    func `where the kernel enciphers, a call sends the file's next record`(_ isEnciphering: Bool) async throws {
        try await withLoop { loop async throws in
            let pair = try await TCPPair(on: loop)
            if isEnciphering { try pair.server.insert { transport, _ in KernelLayer(transport) } }
            let notes = Notes()
            pair.server.channel.faults = notes
            let text = (0..<50_000).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8)) }
            let file = TemporaryFile(text)
            let reading = loop.spawn { try await pair.client.read(exactly: 40_000) }
            try await pair.server.write(file: file.descriptor, offset: 10_000, count: 40_000)
            #expect(try await reading.value == Array(text[10_000...]))
            #expect(notes.sent == (isEnciphering ? [0, 6_384, 22_768, 39_152] : [0]))
        }
    }
}
