#if TLS

import Coro
@testable import CoroTLS
import CoroTesting
import Glibc
import Testing

/// TLS under everything that can go wrong below it, at every place where it can, on either side.
@Suite struct FaultTests {
    enum Side: CaseIterable { case client, server }

    private static let text = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

    /// A connection with `plan` below one side from the first byte on, a few messages, and the end.
    private struct Conversation: Sendable {
        let client: TLSClient
        let server: TLSServer
        /// What each side got, up to where it failed.
        let clientGot = Locked<[UInt8]>([])
        let serverGot = Locked<[UInt8]>([])
        var count = 12_000

        init(_ version: TLSVersion = .tls13) throws {
            // Real time, with a fault before each step, and maybe on a machine that has other things to do.
            let patience = Duration.seconds(60)
            client = try TestAuthority.client {
                $0.versions = version...version
                $0.handshakeTimeout = patience
            }
            server = try TestAuthority.server(.init(handshakeTimeout: patience))
        }

        /// - Returns: what each side threw.
        func run(
            _ plan: FaultPlan, below side: Side, on loop: EventLoop,
            whenStarted: (EventLoop.Task<(any Error)?>) -> Void = { _ in }
        ) async throws -> (client: (any Error)?, server: (any Error)?) {
            let pair = try StreamPair(on: loop, bufferBytes: 16 * 1024)
            (side == .client ? pair.left : pair.right).inject(plan)
            let connecting = loop.spawn {
                await failure {
                    try await pair.left.startTLS(client, host: "localhost")
                    try await speak(pair.left, into: clientGot)
                }
            }
            let accepting = loop.spawn {
                await failure {
                    try await pair.right.startTLS(server)
                    try await speak(pair.right, into: serverGot)
                }
            }
            whenStarted(side == .client ? connecting : accepting)
            let result = (client: try await connecting.value, server: try await accepting.value)
            pair.close()
            return result
        }

        private func speak(_ stream: ByteStream, into got: Locked<[UInt8]>) async throws {
            defer { stream.close() }
            let count = count
            let writing = stream.loop.spawn {
                await failure {
                    for start in stride(from: 0, to: count, by: 5_000) {
                        try await stream.write(Array(FaultTests.text[start..<min(count, start + 5_000)]))
                    }
                    stream.finishWriting()
                }
            }
            let error = await failure {
                while let bytes = try await stream.read() { got.withLock { $0 += bytes } }
            }
            // One that failed to read does not wait for the peer to read on.
            if error != nil { stream.close() }
            let other = try await writing.value
            if let first = error ?? other { throw first }
        }

        var isWhole: Bool {
            clientGot.withLock { $0.elementsEqual(FaultTests.text.prefix(count)) }
                && serverGot.withLock { $0.elementsEqual(FaultTests.text.prefix(count)) }
        }

        var isPrefix: Bool {
            clientGot.withLock { FaultTests.text.starts(with: $0) }
                && serverGot.withLock { FaultTests.text.starts(with: $0) }
        }
    }

    @Test(arguments: Side.allCases, [TLSVersion.tls12, .tls13])
    func `all comes through, one byte at a time`(_ side: Side, _ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            var conversation = try Conversation(version)
            conversation.count = 3_000
            let result = try await conversation.run(.oneByteAtATime, below: side, on: loop)
            #expect(result.client == nil)
            #expect(result.server == nil)
            #expect(conversation.isWhole)
        }
    }

    @Test(arguments: Side.allCases, [TLSVersion.tls12, .tls13])
    func `all comes through, in a storm of stalls`(_ side: Side, _ version: TLSVersion) async throws {
        try await withLoop { loop async throws in
            let conversation = try Conversation(version)
            let result = try await conversation.run(.stallBeforeEachStep(times: 2), below: side, on: loop)
            #expect(result.client == nil && result.server == nil)
            #expect(conversation.isWhole)
        }
    }

    @Test(arguments: Side.allCases)
    func `all comes through, whatever the seed, with tasks in any order`(_ side: Side) async throws {
        for offset in 0..<15 {
            let seed = Seed.ofProcess &+ UInt64(offset)
            try await withLoop(order: .seeded(seed)) { loop async throws in
                let conversation = try Conversation(offset % 2 == 0 ? .tls13 : .tls12)
                let result = try await conversation.run(.seeded(seed), below: side, on: loop)
                #expect(result.client == nil && result.server == nil)
                #expect(conversation.isWhole)
            }
        }
    }

    @Test(arguments: Side.allCases, [TLSVersion.tls12, .tls13])
    func `all comes through, with a stall at each step`(_ side: Side, _ version: TLSVersion) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.stall, in: .pieces(of: 1_000)) { plan async throws in
                let conversation = try Conversation(version)
                let result = try await conversation.run(plan, below: side, on: loop)
                #expect(result.client == nil && result.server == nil)
                #expect(conversation.isWhole)
            }
        }
    }

    @Test(arguments: Side.allCases, [TLSVersion.tls12, .tls13])
    func `a reset at each step is a broken connection, or a failed handshake, and never an end`(
        _ side: Side, _ version: TLSVersion
    ) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            let steps = try await forEachStep(.reset, in: .pieces(of: 900)) { plan async throws in
                let conversation = try Conversation(version)
                let result = try await conversation.run(plan, below: side, on: loop)
                #expect(conversation.isPrefix)
                guard plan.isReached else {
                    #expect(conversation.isWhole)
                    return
                }
                for error in [result.client, result.server] {
                    switch error {
                    case nil: #expect(conversation.isPrefix)
                    case StreamError.broken?, StreamError.truncated?, StreamError.closed?, TLSError.handshake?: break
                    default: Issue.record("\(error!)")
                    }
                }
                // The one who met it cannot have taken it for an end, unless he had all by then.
                let met = side == .client ? result.client : result.server
                let got = side == .client ? conversation.clientGot : conversation.serverGot
                if met == nil { #expect(got.withLock { $0.count } == conversation.count) }
            }
            #expect(steps > 30)
        }
    }

    @Test(arguments: Side.allCases, [TLSVersion.tls12, .tls13])
    func `the peer's end at each step is a cut, or a failed handshake`(
        _ side: Side, _ version: TLSVersion
    ) async throws {
        try await withLoop(seconds: 120) { loop async throws in
            try await forEachStep(.end, in: .pieces(of: 900)) { plan async throws in
                let conversation = try Conversation(version)
                let result = try await conversation.run(plan, below: side, on: loop)
                #expect(conversation.isPrefix)
                guard plan.isReached else { return }
                let met = side == .client ? result.client : result.server
                let got = side == .client ? conversation.clientGot : conversation.serverGot
                switch met {
                case nil: #expect(got.withLock { $0.count } == conversation.count)
                case StreamError.truncated?, StreamError.broken?, StreamError.closed?: break
                case TLSError.handshake(let reason)?:
                    #expect(reason == "the peer closed the connection in the middle of it")
                default: Issue.record("\(met!)")
                }
            }
        }
    }

    @Test(arguments: Side.allCases, [TLSVersion.tls12, .tls13])
    func `a cancel at each step ends it on both sides`(_ side: Side, _ version: TLSVersion) async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps), seconds: 120) { loop async throws in
            try await forEachStep(.hang, in: .pieces(of: 900)) { plan async throws in
                let conversation = try Conversation(version)
                let result = try await conversation.run(plan, below: side, on: loop) { task in
                    plan.whenReached { task.cancel() }
                }
                #expect(conversation.isPrefix)
                guard plan.isReached else {
                    #expect(conversation.isWhole)
                    return
                }
                let met = side == .client ? result.client : result.server
                #expect(met == nil || met is CancellationError, "\(String(describing: met))")
            }
        }
    }

    @Test func `a read and a write that are cancelled at each step have not happened`() async throws {
        try await withLoop(seconds: 120) { loop async throws in
            let text = Array(Self.text.prefix(20_000))
            for isReading in [true, false] {
                try await forEachStep(.hang, in: .pieces(of: 600)) { plan async throws in
                    let pair = try await SecurePair(on: loop)
                    try await pair.exchange()
                    (isReading ? pair.server : pair.client).inject(plan)
                    let writing = loop.spawn {
                        try await pair.client.write(text)
                        pair.client.finishWriting()
                    }
                    let got = Locked<[UInt8]>([])
                    let read: @Sendable () async throws -> Void = {
                        while let bytes = try await pair.server.read() { got.withLock { $0 += bytes } }
                    }
                    let reading = loop.spawn { try await read() }
                    plan.whenReached { if isReading { reading.cancel() } else { writing.cancel() } }
                    if isReading {
                        let error = await failure { try await reading.value }
                        #expect(plan.isReached == (error is CancellationError))
                        if error != nil {
                            plan.release()
                            try await read()
                        }
                        try await writing.value
                    } else {
                        let error = await failure { try await writing.value }
                        if error != nil {
                            plan.release()
                            try await pair.client.flush()
                            pair.client.finishWriting()
                        } else {
                            // It fell on the farewell.
                            plan.release()
                        }
                        try await reading.value
                    }
                    #expect(got.withLock { $0 } == text)
                    // Should it fall on the farewell.
                    pair.server.close()
                    pair.client.close()
                    plan.release()
                }
            }
        }
    }
}
#endif
