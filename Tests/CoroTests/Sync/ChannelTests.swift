import CoroTesting
import Testing

@testable import Coro

@Suite struct ChannelTests {
    @Test func `with a capacity of zero, sender and receiver meet`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>()
            #expect(try channel.trySend(0) == false)
            #expect(channel.tryReceive() == nil)
            let sender = loop.spawn { try await channel.send(1) }
            try await loop.moment()
            #expect(!sender.future.isDone)
            #expect(channel.count == 0)
            #expect(try await channel.receive() == 1)
            try await sender.value
            let receiver = loop.spawn { try await channel.receive() }
            try await loop.moment()
            #expect(try channel.trySend(2))
            #expect(try await receiver.value == 2)
        }
    }

    @Test func `a bounded channel holds as many as it may, and keeps their order`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>(capacity: 2)
            let sender = loop.spawn {
                for number in 0..<10 { try await channel.send(number) }
                channel.close()
            }
            try await loop.moment()
            #expect(channel.count == 2)
            #expect(channel.waiting == (senders: 1, receivers: 0))
            var received: [Int] = []
            for try await number in channel { received.append(number) }
            #expect(received == Array(0..<10))
            try await sender.value
        }
    }

    @Test func `with room and elements, send and receive do not suspend`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>(capacity: nil)
            let ran = Journal<Void>()
            loop.addCallback { ran.note(()) }
            for number in 0..<100 { try await channel.send(number) }
            for number in 0..<100 { #expect(try await channel.receive() == number) }
            #expect(ran.entries.isEmpty)
        }
    }

    @Test func `senders and receivers are served in the order they came`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>()
            let senders = (0..<5).map { number in loop.spawn { try await channel.send(number) } }
            try await loop.moment()
            for number in 0..<5 { #expect(try await channel.receive() == number) }
            for sender in senders { try await sender.value }
            let order = Journal<String>()
            let receivers = (0..<5).map { number in
                loop.spawn { order.note("\(number) has \(try await channel.receive() ?? -1)") }
            }
            try await loop.moment()
            for number in 0..<5 { try await channel.send(number) }
            for receiver in receivers { try await receiver.value }
            #expect(order.entries == (0..<5).map { "\($0) has \($0)" })
        }
    }

    @Test func `closing: receivers drain what is left and then have nil, sends throw`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>(capacity: 1)
            try await channel.send(1)
            let sender = loop.spawn { try await channel.send(2) }
            try await loop.moment()
            channel.close()
            channel.close()
            await #expect(throws: SyncError.closed) { try await sender.value }
            await #expect(throws: SyncError.closed) { try await channel.send(3) }
            #expect(throws: SyncError.closed) { try channel.trySend(3) }
            #expect(try await channel.receive() == 1)
            #expect(try await channel.receive() == nil)
            let waiting = Channel<Int>()
            let receivers = (0..<3).map { _ in loop.spawn { try await waiting.receive() } }
            try await loop.moment()
            waiting.close()
            for receiver in receivers { #expect(try await receiver.value == nil) }
            #expect(waiting.isClosed)
        }
    }

    @Test func `cancelled and timed-out sides leave no trace, take nothing and send nothing`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let channel = Channel<Int>()
            let receiver = loop.spawn { try await channel.receive() }
            try await loop.moment()
            receiver.cancel()
            await #expect(throws: CancellationError.self) { try await receiver.value }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { try await channel.receive() }
            }
            let sender = loop.spawn { try await channel.send(1) }
            try await loop.moment()
            sender.cancel()
            await #expect(throws: CancellationError.self) { try await sender.value }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { try await channel.send(2) }
            }
            #expect(channel.waiting == (senders: 0, receivers: 0))
            #expect(channel.tryReceive() == nil)
            let live = loop.spawn { try await channel.receive() }
            try await loop.moment()
            try await channel.send(3)
            #expect(try await live.value == 3)
        }
    }

    @Test func `a timeout of zero fails at once, or takes what is there`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>(capacity: 1)
            loop.addCallback { _ = try channel.trySend(1) }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.zero) { try await channel.receive() }
            }
            try await loop.moment()
            #expect(channel.count == 1)
            #expect(try await loop.withTimeout(.zero) { try await channel.receive() } == 1)
        }
    }

    @Test func `an element handed to a task that is cancelled before it runs is received`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>()
            let receiver = loop.spawn { try await channel.receive() }
            try await loop.moment()
            #expect(try channel.trySend(1))
            receiver.cancel()
            #expect(try await receiver.value == 1)
            #expect(channel.count == 0)
        }
    }

    @Test func `an element sent as its receiver is cancelled is received or still there`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>(capacity: 1)
            let receiver = loop.spawn { try await channel.receive() }
            try await loop.moment()
            receiver.cancel()
            #expect(try channel.trySend(1))
            let received = try? await receiver.value
            #expect(channel.count == (received == nil ? 1 : 0))
            #expect(channel.waiting == (senders: 0, receivers: 0))
        }
    }

    @Test func `two loops on two threads, each side on its own`() async throws {
        let channel = Channel<Int>()
        async let received: [Int] = withLoop { loop async throws in
            let here = thisThread()
            var numbers: [Int] = []
            for try await number in channel {
                #expect(thisThread() == here)
                numbers.append(number)
            }
            return numbers
        }
        try await withLoop { loop async throws in
            let here = thisThread()
            for number in 0..<1_000 {
                try await channel.send(number)
                #expect(thisThread() == here)
            }
            channel.close()
        }
        #expect(try await received == Array(0..<1_000))
    }

    @Test func `code on no loop sends and receives at once, and waits on the loop it names`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>(capacity: 1)
            try await Task.detached {
                try await channel.send(1)
                await #expect(throws: SyncError.noLoop) { try await channel.send(2) }
                #expect(try await channel.receive() == 1)
                await #expect(throws: SyncError.noLoop) { try await channel.receive() }
            }.value
            let receiving = Task.detached { try await channel.receive(on: loop) }
            while channel.waiting.receivers == 0 { try await loop.moment() }
            try await channel.send(3)
            #expect(try await receiving.value == 3)
        }
    }

    @Test func `a receiver whose loop closes is passed over`() throws {
        let channel = Channel<Int>()
        let ending = try EventLoop()
        let gone = ending.spawn { try await channel.receive() }
        ending.stop()
        try ending.run()
        #expect(channel.waiting.receivers == 1)
        try ending.close()
        #expect(throws: LoopError.closed) { try gone.future.get() }
        #expect(channel.waiting.receivers == 0)
        #expect(try channel.trySend(1) == false)
    }

    @Test func `what was handed to a receiver whose loop closes before he runs is the next one's`() throws {
        let channel = Channel<Int>(capacity: 1)
        let ending = try EventLoop()
        let gone = ending.spawn { try await channel.receive() }
        ending.stop()
        try ending.run()
        // The loop stands: its task is served and cannot be woken before close does it.
        #expect(try channel.trySend(1))
        #expect(try channel.trySend(2))
        try ending.close()
        #expect(throws: LoopError.closed) { try gone.future.get() }
        #expect(channel.tryReceive() == 1)
        #expect(channel.tryReceive() == 2)
    }

    @Test func `what a sender's closed loop had not sent is never sent`() throws {
        let channel = Channel<Int>()
        let ending = try EventLoop()
        let gone = ending.spawn { try await channel.send(1) }
        ending.stop()
        try ending.run()
        try ending.close()
        #expect(throws: LoopError.closed) { try gone.future.get() }
        #expect(channel.tryReceive() == nil)
        #expect(channel.waiting.senders == 0)
    }

    @Test func `a generator-style coroutine sends and receives`() async throws {
        try await withLoop { loop async throws in
            let channel = Channel<Int>()
            let sum = loop.coroutine { co in
                var sum = 0
                for try await number in channel { sum += number }
                return sum
            }
            let sender = loop.coroutine { co in
                for number in 1...10 { try await channel.send(number) }
                channel.close()
            }
            try await sender.value
            #expect(try await sum.value == 55)
        }
    }
}
