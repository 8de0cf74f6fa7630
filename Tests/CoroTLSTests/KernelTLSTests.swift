#if TLS

@testable import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// Two ends of one TCP connection, both of which want the kernel to encipher.
private struct KernelPair {
    let client: ByteStream
    let server: ByteStream

    init(
        on loop: EventLoop, versions: ClosedRange<TLSVersion> = .tls12 ... .tls13, clientToo: Bool = true,
        bufferBytes: Int? = nil, sendBufferBytes: Int? = nil
    ) async throws {
        let options = SocketOptions(
            noDelay: true, sendBufferBytes: sendBufferBytes ?? bufferBytes, receiveBufferBytes: bufferBytes)
        let address = SocketAddress(ip: "127.0.0.1", port: 0)!
        let listener = try Listener(on: loop, address: address, options: options)
        defer { listener.close() }
        let connecting = loop.spawn {
            try await Connector(loop: loop, options: options).connect(to: listener.address)
        }
        let server = try #require(try await listener.accept())
        let client = try await connecting.value
        self.client = client
        self.server = server
        let theirs = try TestAuthority.client {
            $0.versions = versions
            $0.usesKernelTLS = clientToo
        }
        let ours = try TestAuthority.server(TLSServer.Options(usesKernelTLS: true))
        try await loop.withScope { scope in
            scope.spawn { try await client.startTLS(theirs, host: "localhost") }
            scope.spawn { try await server.startTLS(ours) }
        }
    }

    /// The client asks the server for new keys, and the server has heard of it.
    func askForNewKeys() async throws {
        try await exchange()
        #expect((client.layer as? TLSLayer)?.updateKeys() == true)
        try await client.write("a")
        #expect(try await server.read() == [UInt8(ascii: "a")])
    }

    func exchange() async throws {
        for (from, to) in [(client, server), (server, client)] {
            try await from.write("ping\n")
            #expect(try await to.read(until: 10) == Array("ping\n".utf8))
        }
    }
}

/// Counts the system calls by which a stream sends, and lets them be.
private final class CallsOfStream: StreamFaultSource {
    private(set) var sends = 0
    private(set) var sendFiles = 0

    func verdict(on call: StreamCall, moved: Int) -> StreamVerdict {
        if call == .send { sends += 1 }
        if call == .sendFile { sendFiles += 1 }
        return .pass
    }

    func letGo() {}
}

/// Where the kernel cannot: everything is as if it had not been asked, and says so.
@Suite struct KernelTLSFallbackTests {
    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a socket that is not TCP's is enciphered in the process, and says so`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let client = try TestAuthority.client {
                $0.versions = version...version
                $0.usesKernelTLS = true
            }
            let server = try TestAuthority.server(TLSServer.Options(usesKernelTLS: true))
            let pair = try await SecurePair(on: loop, client, server)
            #expect(pair.client.tls?.isEncipheredByKernel == false)
            #expect(pair.server.tls?.isEncipheredByKernel == false)
            try await pair.exchange()
            let secret = Array(String(repeating: "open sesame ", count: 5_000).utf8)
            let file = TemporaryFile(secret)
            let reading = loop.spawn { try await pair.client.collect() }
            try await pair.server.write(file: file.descriptor, count: secret.count)
            try await pair.server.write(pieces: [secret, secret])
            pair.server.close()
            #expect(try await reading.value == secret + secret + secret)
        }
    }

    @Test func `who did not ask is not given it`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop, clientToo: false)
            #expect(pair.client.tls?.isEncipheredByKernel == false)
            try await pair.exchange()
        }
    }

    @Test func `what the kernel has is what a connection gets`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop)
            #expect(pair.client.tls?.isEncipheredByKernel == KernelTLS.isSupported)
            #expect(pair.server.tls?.isEncipheredByKernel == KernelTLS.isSupported)
            try await pair.exchange()
        }
    }
}

/// Where the kernel can. `Tests/Checks/kernel-tls.sh` runs these on a machine of its own.
@Suite(.enabled(if: KernelTLS.isSupported, "This kernel has no TLS; make kernel-tls runs one that has."))
struct KernelTLSTests {
    private static let text = (0..<300_000).map { UInt8(truncatingIfNeeded: ($0 &* 31) ^ ($0 >> 8)) }

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `much more than the kernel keeps, both ways at once`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop, versions: version...version, bufferBytes: 16 * 1024)
            #expect(pair.client.tls?.isEncipheredByKernel == true && pair.client.tls?.version == version)
            try await loop.withScope { scope in
                for (from, to) in [(pair.client, pair.server), (pair.server, pair.client)] {
                    scope.spawn {
                        for start in stride(from: 0, to: Self.text.count, by: 50_000) {
                            try await from.write(Array(Self.text[start..<start + 50_000]))
                        }
                    }
                    scope.spawn { () async throws in #expect(try await to.read(exactly: Self.text.count) == Self.text) }
                }
            }
        }
    }

    @Test(arguments: [0, 1, 16 * 1024, 16 * 1024 + 1, 300_000])
    func `a file goes by sendfile, between what was written`(_ count: Int) async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop)
            let text = Array(Self.text.prefix(count))
            let file = TemporaryFile([1, 2, 3] + text + [4])
            let reading = loop.spawn { try await pair.client.read(exactly: count + 6) }
            let calls = CallsOfStream()
            pair.server.interpose(calls)
            pair.server.append("abc")
            try await pair.server.write(file: file.descriptor, offset: 3, count: count)
            #expect(calls.sends == 1 && calls.sendFiles >= (count > 0 ? 1 : 0))
            try await pair.server.write("end")
            #expect(try await reading.value == Array("abc".utf8) + text + Array("end".utf8))
        }
    }

    @Test func `what goes over the wire is not what was written, nor the file`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop)
            try await pair.exchange()
            let secret = Array(String(repeating: "open sesame ", count: 100).utf8)
            let file = TemporaryFile(secret)
            try await pair.server.write(secret)
            try await pair.server.write(file: file.descriptor, count: secret.count)
            var raw = [UInt8](repeating: 0, count: 8_192)
            let channel = pair.client.channel
            var count = 0
            while count < 2 * secret.count {
                let progress = raw.withUnsafeMutableBytes {
                    channel.receiveRaw(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]), unannounced: true)
                }
                if case .moved(let more) = progress { count += more } else { try await loop.moment() }
            }
            #expect(!raw.prefix(count).contains(Array("sesame".utf8)))
        }
    }

    @Test func `whatever the kernel takes at a time, all arrives in order`() async throws {
        try await withLoop { loop async throws in
            let file = TemporaryFile(Self.text)
            for plan in [FaultPlan.smooth, .pieces(of: 5_000), .stallBeforeEachStep(), .seeded()] {
                let pair = try await KernelPair(on: loop)
                pair.server.inject(plan)
                let reading = loop.spawn { try await pair.client.collect() }
                pair.server.append("first ")
                try await pair.server.write(pieces: [Self.text, [], Self.text])
                try await pair.server.write(file: file.descriptor, count: Self.text.count)
                pair.server.append(" last")
                try await pair.server.flush()
                pair.server.close()
                let sent = Array("first ".utf8) + Self.text + Self.text + Self.text + Array(" last".utf8)
                #expect(try await reading.value == sent)
            }
        }
    }

    /// TCP waits for the rest of a packet, and the kernel's TLS for room.
    @Test(arguments: [TLSVersion.tls12, .tls13], [2_400, 11_244])
    func `a file goes on where the kernel keeps less than a packet`(_ version: TLSVersion, _ kept: Int) async throws {
        try await withLoop { loop async throws in
            let file = TemporaryFile(Self.text)
            let pair = try await KernelPair(on: loop, versions: version...version, sendBufferBytes: kept)
            for _ in 0..<3 {
                let reading = loop.spawn { try await pair.client.read(exactly: Self.text.count) }
                try await pair.server.write(file: file.descriptor, count: Self.text.count)
                #expect(try await reading.value == Self.text)
            }
        }
    }

    @Test func `a file that was cancelled goes on by the same call`() async throws {
        try await withLoop { loop async throws in
            let file = TemporaryFile(Self.text)
            let pair = try await KernelPair(on: loop, bufferBytes: 16 * 1024)
            let progress = Locked(Int64(0))
            let send: @Sendable () async throws -> Void = {
                var offset = progress.withLock { $0 }
                defer { progress.withLock { $0 = offset } }
                try await pair.server.write(file: file.descriptor, from: &offset, upTo: Int64(Self.text.count))
            }
            let first = loop.spawn { try await send() }
            while !pair.server.isWriterWaiting, !first.future.isDone { try await loop.moment() }
            first.cancel()
            _ = try? await first.value
            let reading = loop.spawn { try await pair.client.read(exactly: Self.text.count) }
            try await send()
            #expect(try await reading.value == Self.text)
            try await pair.exchange()
        }
    }

    // MARK: The end

    @Test(arguments: [TLSVersion.tls12, .tls13])
    func `a close is an end, however full the kernel is and however slow the peer`(_ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let file = TemporaryFile(Self.text)
            try await loop.withScope { scope in
                // The last record finds a different room each time.
                for number in 0..<12 {
                    scope.spawn { () async throws in
                        let pair = try await KernelPair(
                            on: loop, versions: version...version, bufferBytes: 16 * 1024 + 3_331 * number)
                        let writing = loop.spawn {
                            try await pair.server.write(file: file.descriptor, count: Self.text.count)
                            if number % 2 == 0 { pair.server.finishWriting() } else { pair.server.close() }
                        }
                        var came: [UInt8] = []
                        while let piece = try await pair.client.read(atMost: 500 + 37 * number) { came += piece }
                        try await writing.value
                        #expect(came == Self.text)
                    }
                }
            }
        }
    }

    @Test func `both halves are finished one after the other, and nobody writes after the end`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop)
            pair.client.finishWriting()
            await #expect(throws: StreamError.broken(IOError(call: "send", code: EPIPE))) {
                try await pair.client.write("more")
            }
            let file = TemporaryFile([1])
            await #expect(throws: StreamError.broken(IOError(call: "send", code: EPIPE))) {
                try await pair.client.write(file: file.descriptor, count: 1)
            }
            #expect(try await pair.server.read() == nil)
            try await pair.server.write("still here")
            pair.server.finishWriting()
            #expect(try await pair.client.collect() == Array("still here".utf8))
        }
    }

    @Test func `what is cut is cut`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop)
            try await pair.exchange()
            try await pair.server.write("first")
            pair.server.append("second")
            pair.server.close()
            #expect(try await pair.client.read(exactly: 5) == Array("first".utf8))
            await #expect(throws: StreamError.truncated) { try await pair.client.read() }
        }
    }

    @Test func `a peer that is gone is an error of the writer's`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop)
            try await pair.exchange()
            pair.client.reset()
            let error = await failure { for _ in 0..<100 { try await pair.server.write(Self.text) } }
            #expect(error is StreamError, "\(String(describing: error))")
        }
    }

    // MARK: New keys

    @Test func `RFC 8446 §4.6.3: a peer's new keys are its own affair`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop, clientToo: false)
            try await pair.exchange()
            #expect((pair.client.layer as? TLSLayer)?.updateKeys(onBothSides: false) == true)
            try await pair.exchange()
            try await pair.exchange()
        }
    }

    @Test func `RFC 8446 §4.6.3: new keys that are asked of us end it, and both sides are told`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop, clientToo: false)
            try await pair.askForNewKeys()
            let refusal = StreamError.tls("the peer wants new keys, and the kernel keeps the old ones")
            let file = TemporaryFile([1])
            await #expect(throws: refusal) { try await pair.server.write(file: file.descriptor, count: 1) }
            await #expect(throws: refusal) { try await pair.server.write("b") }
            await #expect(throws: refusal) { try await pair.server.read() }
            pair.server.close()
            let error = await failure { _ = try await pair.client.read() }
            #expect("\(String(describing: error))".contains("internal error"), "\(String(describing: error))")
        }
    }

    @Test func `RFC 8446 §4.6.3: new keys that are asked of us are no reason not to say farewell`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop, clientToo: false)
            try await pair.askForNewKeys()
            pair.server.close()
            #expect(try await pair.client.read() == nil)
        }
    }

    @Test func `RFC 8446 §4.6.3: asked for new keys twice, we can answer neither`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop, clientToo: false)
            try await pair.exchange()
            let refusal = StreamError.tls("the peer wants new keys, and the kernel keeps the old ones")
            for byte in "ab".utf8 {
                #expect((pair.client.layer as? TLSLayer)?.updateKeys() == true)
                try await pair.client.write([byte])
            }
            // OpenSSL answers the first when it comes to the second, in the middle of a read.
            let error = await failure { _ = try await pair.server.read(exactly: 2) }
            #expect(error as? StreamError == refusal, "\(String(describing: error))")
        }
    }

    @Test func `new keys of our own are refused before anything of them is sent`() async throws {
        try await withLoop { loop async throws in
            let pair = try await KernelPair(on: loop, clientToo: false)
            try await pair.exchange()
            #expect((pair.server.layer as? TLSLayer)?.updateKeys() == false)
            try await pair.exchange()
        }
    }
}
#endif
