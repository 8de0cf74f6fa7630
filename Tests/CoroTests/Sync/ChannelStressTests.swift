import CoroTesting
import Testing

@testable import Coro

/// Several loops, each on its thread, at one channel. Every element sent is received once, and each sender's in order.
@Suite struct ChannelStressTests {
    private struct Parcel: Hashable {
        let sender: Int
        let number: Int
    }

    private static let senders = 4
    private static let each = 400

    private static var all: [Parcel] {
        (0..<senders).flatMap { sender in (0..<each).map { Parcel(sender: sender, number: $0) } }
    }

    /// Runs `send` on one loop for each sender, and closes the channel after the last.
    private func sendAll(
        to channel: Channel<Parcel>, _ send: @escaping @Sendable (EventLoop, Parcel) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<Self.senders {
                group.addTask {
                    try await withLoop(seconds: 60) { loop async throws in
                        for number in 0..<Self.each { try await send(loop, Parcel(sender: sender, number: number)) }
                    }
                }
            }
            try await group.waitForAll()
        }
        channel.close()
    }

    @Test(arguments: [0, 1, 16])
    func `four loops send and three receive`(capacity: Int) async throws {
        let channel = Channel<Parcel>(capacity: capacity)
        let piles = (0..<3).map { _ in Journal<Parcel>() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for pile in piles {
                group.addTask {
                    try await withLoop(seconds: 60) { loop async throws in
                        for try await parcel in channel { pile.note(parcel) }
                    }
                }
            }
            group.addTask { try await self.sendAll(to: channel) { _, parcel in try await channel.send(parcel) } }
            try await group.waitForAll()
        }
        let received = piles.flatMap(\.entries)
        #expect(received.count == Self.all.count)
        #expect(Set(received) == Set(Self.all))
        for pile in piles {
            for sender in 0..<Self.senders {
                let numbers = pile.entries.filter { $0.sender == sender }.map(\.number)
                #expect(numbers == numbers.sorted())
            }
        }
        #expect(channel.waiting == (senders: 0, receivers: 0))
    }

    @Test(arguments: [0, 2])
    func `both sides time out at any moment and try again`(capacity: Int) async throws {
        let channel = Channel<Parcel>(capacity: capacity)
        let pile = Journal<Parcel>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for receiver in 0..<3 {
                group.addTask {
                    try await withLoop(seconds: 60) { loop async throws in
                        while true {
                            do {
                                let timeout = Duration.microseconds(10 + 10 * receiver)
                                let parcel = try await loop.withTimeout(timeout) { try await channel.receive() }
                                guard let parcel else { return }
                                pile.note(parcel)
                            } catch is TimeoutError {}
                        }
                    }
                }
            }
            group.addTask {
                try await self.sendAll(to: channel) { loop, parcel in
                    while true {
                        do {
                            return try await loop.withTimeout(.microseconds(20)) { try await channel.send(parcel) }
                        } catch is TimeoutError {}
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(pile.entries.count == Self.all.count)
        #expect(Set(pile.entries) == Set(Self.all))
        #expect(channel.waiting == (senders: 0, receivers: 0))
    }

    @Test func `receivers are cancelled from other threads at any moment`() async throws {
        let channel = Channel<Parcel>()
        let pile = Journal<Parcel>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    try await withLoop(seconds: 60) { loop async throws in
                        while true {
                            let receiver = loop.spawn { () -> Bool in
                                guard let parcel = try await channel.receive() else { return false }
                                pile.note(parcel)
                                return true
                            }
                            // The sender's loop, mostly, has something to hand over meanwhile.
                            Task.detached { receiver.cancel() }
                            do {
                                guard try await receiver.value else { return }
                            } catch is CancellationError {}
                        }
                    }
                }
            }
            group.addTask { try await self.sendAll(to: channel) { _, parcel in try await channel.send(parcel) } }
            try await group.waitForAll()
        }
        #expect(pile.entries.count == Self.all.count)
        #expect(Set(pile.entries) == Set(Self.all))
        #expect(channel.waiting == (senders: 0, receivers: 0))
    }

    @Test func `receiving loops come, serve for a while and close; nothing is lost with them`() async throws {
        let channel = Channel<Parcel>(capacity: 1)
        let pile = Journal<Parcel>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<60 {
                        let loop = try EventLoop()
                        for _ in 0..<3 {
                            loop.spawn { for try await parcel in channel { pile.note(parcel) } }
                        }
                        try await onOwnThread {
                            loop.callLater(.microseconds(200)) { loop.stop() }
                            try loop.run()
                            try loop.close()
                        }
                    }
                    // The rest is for one that stays.
                    try await withLoop(seconds: 60) { loop async throws in
                        for try await parcel in channel { pile.note(parcel) }
                    }
                }
            }
            group.addTask { try await self.sendAll(to: channel) { _, parcel in try await channel.send(parcel) } }
            try await group.waitForAll()
        }
        // What was put back as the channel closed has had no receiver left.
        while let parcel = channel.tryReceive() { pile.note(parcel) }
        #expect(pile.entries.count == Self.all.count)
        #expect(Set(pile.entries) == Set(Self.all))
        #expect(channel.waiting == (senders: 0, receivers: 0))
    }
}
