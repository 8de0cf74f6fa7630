import CoroTesting
import Testing

@testable import Coro

@Suite struct QueueTests {
    @Test func `case 42: a put that timed out never inserts its element, the next put does`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 1)
            try await queue.put(0)
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { try await queue.put(1) }
            }
            let next = loop.spawn { try await queue.put(2) }
            try await loop.moment()
            #expect(queue.putters.count == 1)
            #expect(try await queue.get() == 0)
            try await next.value
            #expect(try await queue.get() == 2)
            #expect(queue.count == 0)
        }
    }

    @Test func `case 43: ten expired getters leave no trace, the eleventh receives the element`() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop async throws in
            let queue = Queue<Int>(on: loop)
            let expiring = (0..<10).map { _ in
                loop.spawn { try await loop.withTimeout(.seconds(1)) { try await queue.get() } }
            }
            let live = loop.spawn { try await queue.get() }
            try await loop.moment()
            #expect(queue.getters.count == 11)
            try await clock.advance(by: .seconds(2))
            for task in expiring { await #expect(throws: TimeoutError.self) { try await task.value } }
            #expect(queue.getters.count == 1)
            try await queue.put(7)
            #expect(try await live.value == 7)
            #expect(queue.count == 0)
        }
    }

    @Test func `case 44: a timeout of zero on an empty or full queue fails at once`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 1)
            // It would be there an iteration later; at once is earlier.
            loop.addCallback { _ = try queue.tryPut(1) }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.zero) { try await queue.get() }
            }
            try await loop.moment()
            #expect(queue.count == 1)
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.zero) { try await queue.put(2) }
            }
            #expect(queue.count == 1)
            #expect(queue.getters.isEmpty && queue.putters.isEmpty)
        }
    }

    @Test func `case 44: a timeout of zero takes what is there`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 1)
            try await loop.withTimeout(.zero) { try await queue.put(1) }
            #expect(try await loop.withTimeout(.zero) { try await queue.get() } == 1)
        }
    }

    @Test func `case 45: join is released by the last taskDone, not by get; one more fails`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop)
            for number in 0..<3 { try await queue.put(number) }
            let joining = loop.spawn { try await queue.join() }
            for _ in 0..<3 { _ = try await queue.get() }
            try await loop.moment()
            #expect(!joining.future.isDone)
            try queue.taskDone()
            try queue.taskDone()
            try await loop.moment()
            #expect(!joining.future.isDone)
            try queue.taskDone()
            try await joining.value
            #expect(throws: SyncError.noUnfinishedTask) { try queue.taskDone() }
            try await queue.join()
        }
    }

    @Test func `case 46: producer and consumer with room for three keep the order of ten`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 3)
            let received = Journal<Int>()
            let counts = Journal<Int>()
            let consumer = loop.spawn {
                for try await number in queue {
                    counts.note(queue.count)
                    received.note(number)
                    try await loop.moment()
                    try queue.taskDone()
                }
            }
            for number in 0..<10 { try await queue.put(number) }
            try await queue.join()
            #expect(received.entries == Array(0..<10))
            #expect(counts.entries.allSatisfy { $0 <= 3 })
            queue.close()
            try await consumer.value
        }
    }

    @Test func `with room and elements, put and get do not suspend`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 2)
            let ran = Journal<Void>()
            loop.addCallback { ran.note(()) }
            for round in 0..<100 {
                try await queue.put(round)
                #expect(try await queue.get() == round)
            }
            #expect(try queue.tryPut(1))
            #expect(try queue.tryPut(2))
            #expect(try queue.tryPut(3) == false)
            #expect(try queue.tryGet() == 1)
            #expect(try queue.tryGet() == 2)
            #expect(try queue.tryGet() == nil)
            #expect(ran.entries.isEmpty)
            #expect(queue.capacity == 2)
        }
    }

    @Test func `getters are served in the order they came`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop)
            let order = Journal<String>()
            let getters = (0..<5).map { number in
                loop.spawn { order.note("\(number) has \(try await queue.get() ?? -1)") }
            }
            try await loop.moment()
            for number in 0..<5 { #expect(try queue.tryPut(number)) }
            // Handed over: nothing is left for a newcomer to snatch.
            #expect(try queue.tryGet() == nil)
            for getter in getters { try await getter.value }
            #expect(order.entries == (0..<5).map { "\($0) has \($0)" })
        }
    }

    @Test func `a cancelled getter swallows nothing and a cancelled putter adds nothing`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 1)
            let getter = loop.spawn { try await queue.get() }
            try await loop.moment()
            getter.cancel()
            await #expect(throws: CancellationError.self) { try await getter.value }
            #expect(queue.getters.isEmpty)
            try await queue.put(1)
            let putter = loop.spawn { try await queue.put(2) }
            try await loop.moment()
            putter.cancel()
            await #expect(throws: CancellationError.self) { try await putter.value }
            #expect(queue.putters.isEmpty)
            #expect(try await queue.get() == 1)
            #expect(try queue.tryGet() == nil)
            #expect(queue.unfinishedCount == 1)
        }
    }

    @Test(arguments: 0..<6)
    func `cancelled at any moment around the hand-over, no element is lost or doubled`(moments: Int) async throws {
        try await withLoop { loop async throws in
            for cancelsFirst in [true, false] {
                let queue = Queue<Int>(on: loop, capacity: 1)
                let received = Journal<Int>()
                let getters = (0..<3).map { _ in
                    loop.spawn { if let number = try await queue.get() { received.note(number) } }
                }
                let putters = (0..<4).map { number in
                    loop.spawn {
                        for _ in 0..<2 { try await loop.moment() }
                        try await queue.put(number)
                        return number
                    }
                }
                for _ in 0..<moments { try await loop.moment() }
                if cancelsFirst { getters[1].cancel() } else { loop.addCallback { getters[1].cancel() } }
                if cancelsFirst { putters[2].cancel() } else { loop.addCallback { putters[2].cancel() } }
                for getter in getters { _ = try? await getter.value }
                // Those who still want to put have room as long as this one takes.
                let draining = loop.spawn { while let number = try await queue.get() { received.note(number) } }
                var put: [Int] = []
                for putter in putters { if let number = try? await putter.value { put.append(number) } }
                queue.close()
                try await draining.value
                #expect(received.entries.sorted() == put)
                #expect(queue.getters.isEmpty && queue.putters.isEmpty)
            }
        }
    }

    @Test func `a cancelled task takes what is there, and waits for nothing`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 1)
            try await queue.put(1)
            let cancelled = loop.spawn {
                withUnsafeCurrentTask { $0?.cancel() }
                #expect(try await queue.get() == 1)
                await #expect(throws: CancellationError.self) { try await queue.get() }
                try await queue.put(2)
                await #expect(throws: CancellationError.self) { try await queue.put(3) }
            }
            try await cancelled.value
            #expect(queue.count == 1)
            #expect(queue.getters.isEmpty && queue.putters.isEmpty)
        }
    }

    @Test func `closing: getters drain what is left and then have nil, puts throw, join works`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 2)
            for number in 0..<2 { try await queue.put(number) }
            let putter = loop.spawn { try await queue.put(2) }
            try await loop.moment()
            queue.close()
            queue.close()
            #expect(queue.isClosed)
            await #expect(throws: SyncError.closed) { try await putter.value }
            await #expect(throws: SyncError.closed) { try await queue.put(3) }
            #expect(throws: SyncError.closed) { try queue.tryPut(3) }
            let joining = loop.spawn { try await queue.join() }
            var left: [Int] = []
            for try await number in queue {
                left.append(number)
                try queue.taskDone()
            }
            #expect(left == [0, 1])
            #expect(try await queue.get() == nil)
            #expect(try queue.tryGet() == nil)
            try await joining.value
        }
    }

    @Test func `closing wakes all who wait to get, with nil`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop)
            let getters = (0..<3).map { _ in loop.spawn { try await queue.get() } }
            try await loop.moment()
            queue.close()
            for getter in getters { #expect(try await getter.value == nil) }
        }
    }

    @Test func `elements that are optional themselves may be nil`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int?>(on: loop, capacity: 1)
            let getter = loop.spawn { try await queue.get() }
            try await loop.moment()
            try await queue.put(nil)
            #expect(try await getter.value == .some(nil))
            try await queue.put(nil)
            let putter = loop.spawn { try await queue.put(nil) }
            try await loop.moment()
            #expect(try await queue.get() == .some(nil))
            try await putter.value
            #expect(queue.count == 1)
        }
    }

    @Test func `other threads put, get, finish and close, and are refused an answer at once`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 2)
            let producing = (0..<3).map { producer in
                Task.detached { for number in 0..<50 { try await queue.put(producer * 50 + number) } }
            }
            let received = Journal<Int>()
            let consuming = Task.detached {
                #expect(throws: SyncError.wrongThread) { try queue.tryGet() }
                #expect(throws: SyncError.wrongThread) { try queue.tryPut(0) }
                for try await number in queue {
                    received.note(number)
                    try queue.taskDone()
                }
            }
            for task in producing { try await task.value }
            try await Task.detached {
                try await queue.join()
                queue.close()
            }.value
            try await consuming.value
            #expect(received.entries.sorted() == Array(0..<150))
        }
    }

    @Test func `a task elsewhere that is cancelled on its way to the loop takes nothing`() async throws {
        try await withLoop(seconds: 60) { loop async throws in
            let queue = Queue<Int>(on: loop)
            var left = 0
            for number in 0..<1_000 {
                try await queue.put(number)
                left += 1
                let getting = Task.detached { try await queue.get() }
                getting.cancel()
                if (try? await getting.value) != nil { left -= 1 }
                #expect(queue.count == left)
            }
        }
    }

    @Test func `iterating stays on the loop's thread`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop)
            let here = thisThread()
            let consumer = loop.spawn {
                for try await _ in queue { #expect(thisThread() == here) }
            }
            for number in 0..<10 {
                try await queue.put(number)
                try await loop.moment()
            }
            queue.close()
            try await consumer.value
        }
    }

    @Test func `a generator-style coroutine gets and puts`() async throws {
        try await withLoop { loop async throws in
            let queue = Queue<Int>(on: loop, capacity: 1)
            let sum = loop.coroutine { co in
                var sum = 0
                for try await number in queue {
                    try await co.yield(.moment)
                    sum += number
                }
                return sum
            }
            let producer = loop.coroutine { co in
                for number in 1...10 { try await queue.put(number) }
                queue.close()
            }
            try await producer.value
            #expect(try await sum.value == 55)
        }
    }

    @Test func `closing the loop wakes all three lines with its error`() throws {
        let loop = try EventLoop()
        let full = Queue<Int>(on: loop, capacity: 1)
        let empty = Queue<Int>(on: loop)
        let putter = loop.spawn {
            try await full.put(0)
            try await full.put(1)
        }
        let getter = loop.spawn { _ = try await empty.get() }
        let joiner = loop.spawn {
            try await full.put(2)
            try await full.join()
        }
        loop.stop()
        try loop.run()
        try loop.close()
        for task in [putter, getter, joiner] { #expect(throws: LoopError.closed) { try task.future.get() } }
        #expect(full.putters.isEmpty && full.joiners.isEmpty && empty.getters.isEmpty)
        #expect(throws: SyncError.wrongThread) { try full.tryGet() }
    }

    @Test func `elements that nobody got go with their queue`() async throws {
        try await withLoop { loop async throws in
            weak var gone: Held?
            func fill() async throws {
                let held = Held()
                gone = held
                let queue = Queue<Held>(on: loop)
                try await queue.put(held)
            }
            try await fill()
            #expect(gone == nil)
        }
    }
}
