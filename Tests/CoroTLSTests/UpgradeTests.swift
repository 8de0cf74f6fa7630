#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// From plain to secure on a live connection (STARTTLS), and every way in which that is not done.
@Suite struct UpgradeTests {
    @Test func `case 58: an upgrade works after real traffic`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let server = try TestAuthority.server()
            let serving = loop.spawn {
                let stream = pair.right
                try await stream.write("220 mail.example ready\r\n")
                #expect(try await stream.read(until: 10) == Array("EHLO me\r\n".utf8))
                try await stream.write("250-mail.example\r\n250 STARTTLS\r\n")
                #expect(try await stream.read(until: 10) == Array("STARTTLS\r\n".utf8))
                // Queued, and sent by the upgrade.
                Array("220 go ahead\r\n".utf8).withUnsafeBytes { stream.append($0) }
                try await stream.startTLS(server)
                #expect(try await stream.read(until: 10) == Array("EHLO me\r\n".utf8))
                try await stream.write("250 secure\r\n")
            }
            let stream = pair.left
            _ = try await stream.read(until: 10)
            try await stream.write("EHLO me\r\n")
            for _ in 0..<2 { _ = try await stream.read(until: 10) }
            #expect(stream.tls == nil)
            try await stream.write("STARTTLS\r\n")
            #expect(try await stream.read(until: 10) == Array("220 go ahead\r\n".utf8))
            try await stream.startTLS(try TestAuthority.client(), host: "localhost")
            #expect(stream.tls != nil)
            try await stream.write("EHLO me\r\n")
            #expect(try await stream.read(until: 10) == Array("250 secure\r\n".utf8))
            try await serving.value
        }
    }

    @Test(arguments: [true, false])
    func `case 58: cancelling the handshake closes the socket`(_ isClient: Bool) async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            let stream = pair.left
            let securing = loop.spawn {
                if isClient {
                    try await stream.startTLS(client, host: "localhost")
                } else {
                    try await stream.startTLS(server)
                }
            }
            while !stream.isReaderWaiting { try await loop.moment() }
            securing.cancel()
            await #expect(throws: CancellationError.self) { try await securing.value }
            #expect(!stream.isOpen)
            // The peer sees the end, after a client's hello.
            #expect(try await pair.right.collect().isEmpty == !isClient)
        }
    }

    // MARK: Case 64: over TCP, by the connector

    private enum Interruption: CaseIterable { case itsOwnTimeout, aDeadline, aCancel }

    @Test(arguments: 0..<3)
    func `case 64: a timeout or a cancel during TLS closes the socket, and the server sees EOF`(
        _ number: Int
    ) async throws {
        let interruption = Interruption.allCases[number]
        try await withLoop(clock: ManualClock(whenIdle: .jumpsAfterQuiet(.milliseconds(200)))) { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let client = try TestAuthority.client()
            let port = listener.address.port
            let connecting = loop.spawn {
                let connector = Connector(loop: loop)
                if interruption == .aDeadline {
                    return try await loop.withTimeout(.seconds(2)) {
                        try await connector.connect(host: "127.0.0.1", port: port, tls: client)
                    }
                }
                return try await connector.connect(host: "127.0.0.1", port: port, tls: client)
            }
            let accepted = try #require(try await listener.accept())
            #expect(try await accepted.fill())
            if interruption == .aCancel { connecting.cancel() }
            let error = await failure { _ = try await connecting.value }
            switch interruption {
            case .itsOwnTimeout:
                #expect("\(try #require(error))" == "The TLS handshake was not done within 10.0 seconds.")
            case .aDeadline: #expect(error as? TimeoutError == TimeoutError())
            case .aCancel: #expect(error is CancellationError)
            }
            // A ClientHello, and then the end, not a reset.
            #expect(try await accepted.collect().first == 22)
            accepted.close()
            listener.close()
        }
    }

    @Test func `a client that never says hello costs a server its handshake's time, and no more`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let pair = try StreamPair(on: loop)
            let server = try TestAuthority.server(.init(handshakeTimeout: .seconds(3)))
            let start = loop.now
            await #expect(throws: TimeoutError("The TLS handshake was not done within 3.0 seconds.")) {
                try await pair.right.startTLS(server)
            }
            #expect(start.duration(to: loop.now) == .seconds(3))
            #expect(try await pair.left.read() == nil)
        }
    }

    // MARK: What came before

    @Test func `what was said in the clear before the upgrade is not said inside: a server`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            // CVE-2011-0411: an attacker adds a command to the segment that asks for TLS.
            try await pair.left.write("STARTTLS\r\nDELETE everything\r\n")
            #expect(try await pair.right.read(until: 10) == Array("STARTTLS\r\n".utf8))
            let connecting = loop.spawn { await failure { try await pair.left.startTLS(client, host: "localhost") } }
            let error = await failure { try await pair.right.startTLS(server) }
            #expect(error is TLSError)
            #expect(pair.right.unread.isEmpty)
            await #expect(throws: StreamError.closed) { try await pair.right.read() }
            // The server's alert, or the broken connection behind it, whichever the client meets first.
            let answer = try #require(try await connecting.value)
            #expect(answer is TLSError || answer is StreamError, "\(answer)")
        }
    }

    @Test func `what was said in the clear before the upgrade is not said inside: a client`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            try await pair.right.write("220 go ahead\r\n250 all is well\r\n")
            #expect(try await pair.left.read(until: 10) == Array("220 go ahead\r\n".utf8))
            let accepting = loop.spawn { await failure { try await pair.right.startTLS(server) } }
            #expect(await failure { try await pair.left.startTLS(client, host: "localhost") } is TLSError)
            await #expect(throws: StreamError.closed) { try await pair.left.read() }
            #expect(try await accepting.value != nil)
        }
    }

    @Test func `a hello that has come already is used`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            let connecting = loop.spawn { try await pair.left.startTLS(client, host: "localhost") }
            // As after a look at the first bytes: TLS or not?
            #expect(try await pair.right.fill())
            #expect(pair.right.unread.first == 22)
            try await pair.right.startTLS(server)
            try await connecting.value
            #expect(pair.right.unread.isEmpty)
            try await pair.left.write("x")
            #expect(try await pair.right.read() == [UInt8(ascii: "x")])
        }
    }

    // MARK: Misuse

    @Test func `TLS is started once, and a second time is an error that changes nothing`() async throws {
        try await withLoop { loop async throws in
            let pair = try await SecurePair(on: loop)
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            let session = pair.client.tls
            await #expect(throws: TLSError.alreadySecure) { try await pair.client.startTLS(client, host: "x.example") }
            await #expect(throws: TLSError.alreadySecure) { try await pair.server.startTLS(server) }
            #expect(pair.client.tls == session)
            try await pair.exchange()
        }
    }

    @Test func `nor while it is being started`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            let connecting = loop.spawn { try await pair.left.startTLS(client, host: "localhost") }
            while !pair.left.isReaderWaiting { try await loop.moment() }
            await #expect(throws: TLSError.alreadySecure) { try await pair.left.startTLS(client, host: "localhost") }
            // Nobody else gets between the two. (It is the handshake that reads.)
            await #expect(throws: StreamError.busy("reading")) { try await pair.left.read() }
            await #expect(throws: StreamError.busy("securing")) { try await pair.left.write("early") }
            #expect(pair.left.tls == nil)
            try await pair.right.startTLS(server)
            try await connecting.value
            // What was refused was not queued either: whoever says it again has said it once.
            try await pair.left.write("early")
            pair.left.finishWriting()
            #expect(try await pair.right.collect() == Array("early".utf8))
        }
    }

    @Test func `what is appended while it is being started goes inside, when it is done`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            let connecting = loop.spawn { try await pair.left.startTLS(client, host: "localhost") }
            while !pair.left.isReaderWaiting { try await loop.moment() }
            pair.left.append("appended, ")
            for _ in 0..<3 { try await loop.moment() }
            try await pair.right.startTLS(server)
            #expect(try await pair.right.read(exactly: 10) == Array("appended, ".utf8))
            try await connecting.value
            try await pair.left.drain()
            try await pair.left.write("written")
            #expect(try await pair.right.read(exactly: 7) == Array("written".utf8))
        }
    }

    @Test func `not while somebody reads or writes`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop, bufferBytes: 4 * 1024)
            let client = try TestAuthority.client()
            let reading = loop.spawn { try await pair.left.read() }
            while !pair.left.isReaderWaiting { try await loop.moment() }
            await #expect(throws: StreamError.busy("reading")) {
                try await pair.left.startTLS(client, host: "localhost")
            }
            try await pair.right.write("x")
            #expect(try await reading.value == [UInt8(ascii: "x")])
            let bytes = [UInt8](repeating: 7, count: 200_000)
            let writing = loop.spawn { try await pair.left.write(bytes) }
            while !pair.left.isWriterWaiting { try await loop.moment() }
            await #expect(throws: StreamError.busy("writing")) {
                try await pair.left.startTLS(client, host: "localhost")
            }
            #expect(try await pair.right.read(exactly: bytes.count) == bytes)
            try await writing.value
            #expect(pair.left.isOpen)
        }
    }

    @Test func `a closed stream, a finished one and a foreign thread are errors`() async throws {
        try await withLoop { loop async throws in
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            let closed = try StreamPair(on: loop)
            closed.left.close()
            await #expect(throws: StreamError.closed) { try await closed.left.startTLS(client, host: "localhost") }
            await #expect(throws: StreamError.closed) { try await closed.left.startTLS(server) }
            let finished = try StreamPair(on: loop)
            finished.left.finishWriting()
            await #expect(throws: StreamError.broken(IOError(call: "send", code: EPIPE))) {
                try await finished.left.startTLS(client, host: "localhost")
            }
            #expect(!finished.left.isOpen)
            let pair = try await SecurePair(on: loop)
            let elsewhere = Task.detached {
                await #expect(throws: StreamError.wrongThread) { try await pair.client.startTLS(client, host: "x") }
                await #expect(throws: StreamError.wrongThread) { try await pair.client.startTLS(server) }
                await #expect(throws: StreamError.wrongThread) { try await pair.client.read() }
                await #expect(throws: StreamError.wrongThread) { try await pair.client.write("x") }
                pair.client.close()
                pair.client.close()
                pair.server.reset()
            }
            await elsewhere.value
            while pair.client.isOpen || pair.server.isOpen { try await loop.moment() }
            await #expect(throws: StreamError.closed) { try await pair.client.read() }
            await #expect(throws: StreamError.closed) { try await pair.client.write("x") }
            await #expect(throws: StreamError.closed) { try await pair.client.write(file: 0, count: 1) }
            pair.client.finishWriting()
            pair.client.reset()
        }
    }

    @Test func `a stream that is closed while it shakes hands`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let client = try TestAuthority.client()
            let connecting = loop.spawn { try await pair.left.startTLS(client, host: "localhost") }
            while !pair.left.isReaderWaiting { try await loop.moment() }
            pair.left.close()
            await #expect(throws: StreamError.closed) { try await connecting.value }
        }
    }

    @Test func `a stream that is closed from inside a call of OpenSSL's`() async throws {
        try await withLoop { loop async throws in
            for step in 0..<12 {
                let pair = try StreamPair(on: loop)
                let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
                let left = pair.left
                let plan = left.inject(.smooth.with(.stall, atStep: step))
                plan.whenReached { left.close() }
                let accepting = loop.spawn { await failure { try await pair.right.startTLS(server) } }
                let error = await failure {
                    try await left.startTLS(client, host: "localhost")
                    while !plan.isReached { try await left.write("x") }
                }
                #expect(error as? StreamError == .closed)
                pair.right.close()
                _ = try await accepting.value
            }
        }
    }

    @Test func `settings and identities outlive their makers, on any thread`() async throws {
        let client = try TestAuthority.client()
        let server = try TestAuthority.server()
        try await withLoop { loop async throws in
            try await loop.withScope { scope in
                for _ in 0..<4 {
                    scope.spawn { try await SecurePair(on: loop, client, server).exchange() }
                }
                scope.spawn {
                    try await loop.runBlocking { for _ in 0..<20 { try server.reload([TestAuthority.localhost]) } }
                }
            }
        }
    }

    @Test func `a listener serves secure connections, and one that fails is reported and ends alone`() async throws {
        let recorder = ReportRecorder {
            $0.error as? TLSError == .handshake("http request: the peer does not speak TLS on this port")
        }
        try await withLoop { loop async throws in
            let listener = try Listener(on: loop, address: .loopback(port: 0))
            let (client, server) = (try TestAuthority.client(), try TestAuthority.server())
            let serving = loop.spawn {
                try await listener.serve(tls: server) { stream in
                    while let bytes = try await stream.read() { try await stream.write(bytes) }
                }
            }
            let connector = Connector(loop: loop)
            let plain = try await connector.connect(to: listener.address)
            try await plain.write("GET / HTTP/1.1\r\n\r\n")
            // OpenSSL has no alert for those who would not understand it.
            #expect(try await plain.collect() == [])
            let stream = try await connector.connect(
                host: "127.0.0.1", port: listener.address.port, tls: client, serverName: "localhost")
            try await stream.write("hello")
            #expect(try await stream.read(exactly: 5) == Array("hello".utf8))
            stream.close()
            listener.close()
            try await serving.value
        }
        #expect(recorder.failures.count == 1)
    }
}
#endif
