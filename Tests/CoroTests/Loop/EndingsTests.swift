import Coro
import CoroTesting
import Glibc
import Testing

/// Ends that come in crowds, and who is not to notice.
@Suite struct EndingsTests {
    /// Pairs with a task that reads each right end, and counts those that have ended.
    private final class Crowd: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): used on the loop's thread only.
        let pairs: [StreamPair]
        var ended = 0
        private(set) var readers: [EventLoop.Task<Void>] = []

        init(of count: Int, on loop: EventLoop) async throws {
            pairs = try (0..<count).map { _ in try StreamPair(on: loop) }
            for pair in pairs {
                readers.append(
                    loop.spawn {
                        defer { self.ended += 1 }
                        while try await pair.right.read() != nil {}
                    })
            }
            // All are asleep.
            try await loop.moment()
        }

        func close() { for pair in pairs { pair.close() } }
    }

    /// A pair whose right end answers, and what a ping over it takes.
    private func ping(_ pair: StreamPair) async throws {
        try await pair.left.write("ping")
        try await pair.right.write(try await pair.right.read(exactly: 4))
        #expect(try await pair.left.read(exactly: 4) == Array("ping".utf8))
    }

    @Test func `peers that hang up by the hundred do not keep a ping waiting`() async throws {
        try await withLoop { loop async throws in
            let crowd = try await Crowd(of: 300, on: loop)
            let pair = try StreamPair(on: loop)
            for peer in crowd.pairs { peer.left.reset() }
            try await ping(pair)
            #expect(crowd.ended < 150)
            for reader in crowd.readers { try await reader.value }
            #expect(crowd.ended == 300)
            crowd.close()
        }
    }

    @Test func `streams that are closed by the hundred do not, and refuse at once`() async throws {
        try await withLoop { loop async throws in
            let crowd = try await Crowd(of: 300, on: loop)
            let pair = try StreamPair(on: loop)
            for peer in crowd.pairs {
                peer.right.close()
                #expect(!peer.right.isOpen)
            }
            await #expect(throws: StreamError.closed) { try await crowd.pairs[299].right.write("x") }
            try await ping(pair)
            #expect(crowd.ended < 150)
            for reader in crowd.readers { await #expect(throws: StreamError.closed) { try await reader.value } }
            crowd.close()
        }
    }

    @Test func `tasks that are cancelled by the hundred do not, and are cancelled at once`() async throws {
        try await withLoop { loop async throws in
            let crowd = try await Crowd(of: 300, on: loop)
            let pair = try StreamPair(on: loop)
            for reader in crowd.readers { reader.cancel() }
            let areCancelled = crowd.readers.allSatisfy { $0.isCancelled }
            #expect(areCancelled)
            try await ping(pair)
            #expect(crowd.ended < 150)
            for reader in crowd.readers { await #expect(throws: CancellationError.self) { try await reader.value } }
            crowd.close()
        }
    }

    @Test func `a task of a cancelled crowd that is woken before its turn finds itself cancelled`() async throws {
        try await withLoop { loop async throws in
            let crowd = try await Crowd(of: 300, on: loop)
            let pair = try StreamPair(on: loop)
            let witness = loop.spawn {
                let bytes = try await pair.right.read()
                // Asked before any further wait, and with the crowd still waiting.
                #expect(_Concurrency.Task.isCancelled)
                #expect(crowd.ended < 150)
                await #expect(throws: CancellationError.self) { try await loop.moment() }
                return bytes
            }
            try await loop.moment()
            for reader in crowd.readers { reader.cancel() }
            witness.cancel()
            try await pair.left.write("news")
            // It came before the cancel did: a wait that has ended is not undone.
            #expect(try await witness.value == Array("news".utf8))
            for reader in crowd.readers { await #expect(throws: CancellationError.self) { try await reader.value } }
            crowd.close()
        }
    }

    @Test func `a task of a cancelled crowd that sleeps behind a shield sleeps on`() async throws {
        try await withLoop { loop async throws in
            let crowd = try await Crowd(of: 300, on: loop)
            let pair = try StreamPair(on: loop)
            let witness = loop.spawn {
                let bytes = try await loop.shielded(for: .seconds(3_600)) { try await pair.right.read() }
                #expect(_Concurrency.Task.isCancelled)
                await #expect(throws: CancellationError.self) { try await loop.moment() }
                return bytes
            }
            try await loop.moment()
            for reader in crowd.readers { reader.cancel() }
            witness.cancel()
            for reader in crowd.readers { await #expect(throws: CancellationError.self) { try await reader.value } }
            try await pair.left.write("news")
            #expect(try await witness.value == Array("news".utf8))
            crowd.close()
        }
    }

    @Test func `of a scope's crowd those who are awake are told at once, and the others in turns`() async throws {
        try await withLoop { loop async throws in
            let ended = Journal<Int>()
            try await loop.withScope { scope in
                for index in 0..<300 {
                    scope.spawn {
                        defer { ended.note(index) }
                        try await loop.sleep(for: .seconds(3_600))
                    }
                }
                // They go round: at any time they are ready to run, and asleep nowhere.
                for index in 300..<310 {
                    scope.spawn {
                        defer { ended.note(index) }
                        while !_Concurrency.Task.isCancelled { try await loop.moment() }
                    }
                }
                for _ in 0..<3 { try await loop.moment() }
                scope.cancel()
                await #expect(throws: CancellationError.self) { try await loop.moment() }
                try await loop.shielded(for: .seconds(10)) {
                    try await loop.moment()
                    #expect(ended.entries.sorted().suffix(10) == Array(300..<310)[...])
                    #expect(ended.entries.count < 150)
                }
            }
            #expect(ended.entries.count == 310)
            #expect(Set(ended.entries).count == 310)
        }
    }

    @Test func `a scope cancels those that are there, whoever came and went`() async throws {
        try await withLoop { loop async throws in
            let ended = Journal<Int>()
            try await loop.withScope { scope in
                let tasks = (0..<20).map { index in
                    scope.spawn {
                        defer { ended.note(index) }
                        try await loop.sleep(for: .seconds(3_600))
                    }
                }
                try await loop.moment()
                for task in tasks[5..<15] {
                    task.cancel()
                    _ = try? await task.value
                }
                #expect(scope.count == 10)
                // They take places that were left.
                for index in 20..<25 {
                    scope.spawn {
                        defer { ended.note(index) }
                        try await loop.sleep(for: .seconds(3_600))
                    }
                }
                try await loop.moment()
                #expect(scope.count == 15)
                scope.cancel()
            }
            #expect(ended.entries.sorted() == Array(0..<25))
        }
    }

    @Test func `waits that run out of time by the hundred do not, and lose nothing`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let pairs = try (0..<300).map { _ in try StreamPair(on: loop) }
            let pair = try StreamPair(on: loop)
            let expired = Journal<Int>()
            let deadline = loop.now.advanced(by: .seconds(1))
            let readers = pairs.enumerated().map { index, pair in
                loop.spawn {
                    do { return try await loop.withDeadline(deadline) { try await pair.right.read() } } catch {
                        expired.note(index)
                        throw error
                    }
                }
            }
            try await loop.moment()
            // Armed last, this comes in the iteration of all the others.
            try await loop.sleep(until: deadline)
            try await pairs[299].left.write("in time after all")
            try await ping(pair)
            #expect((1..<150).contains(expired.entries.count))
            for reader in readers.dropLast() { await #expect(throws: TimeoutError()) { try await reader.value } }
            // What came before it was told that it was late has come.
            #expect(try await readers[299].value == Array("in time after all".utf8))
            #expect(expired.entries == Array(0..<299))
            for pair in pairs { pair.close() }
        }
    }

    @Test func `futures that run out of time by the hundred do not`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let pair = try StreamPair(on: loop)
            let never = loop.promise(of: Void.self)
            let late = (0..<300).map { _ in never.future.withTimeout(.seconds(1)) }
            try await loop.sleep(for: .seconds(1))
            try await ping(pair)
            #expect((1..<150).contains(late.count { $0.isDone }))
            for future in late { await #expect(throws: TimeoutError()) { try await future.value } }
            never.future.cancel()
        }
    }

    @Test func `ends that stand aside take place in their order`() async throws {
        try await withLoop { loop async throws in
            let order = Journal<Int>()
            let tasks = (0..<100).map { index in
                loop.spawn {
                    defer { order.note(index) }
                    try await loop.sleep(for: .seconds(3_600))
                }
            }
            try await loop.moment()
            for task in tasks { task.cancel() }
            for task in tasks { _ = try? await task.value }
            #expect(order.entries == Array(0..<100))
        }
    }

    @Test func `what was closed is closed when the run is over`() throws {
        let loop = try EventLoop()
        let peers = try loop.runSync {
            var peers: [Int32] = []
            for _ in 0..<100 {
                var ends: [Int32] = [-1, -1]
                let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
                try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
                peers.append(ends[1])
                try #require(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
                try ByteStream(takingOver: ends[0], on: loop).close()
            }
            return peers
        }
        for peer in peers {
            var byte: UInt8 = 0
            // A program that a test starts at this moment has a copy of every socket until it is executed: so it waits, in bounds.
            var patience = timeval(tv_sec: 10, tv_usec: 0)
            setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            #expect(recv(peer, &byte, 1, 0) == 0)
            close(peer)
        }
        try loop.close()
    }
}
