import Coro
import CoroTesting
import Testing

@Suite struct ExecutorTests {
    @Test func `an actor pinned to a loop works from a plain task and from a loop task`() async throws {
        try await withLoop { loop async throws in
            let counter = Counter(loop)
            // From a task that knows nothing of the loop …
            let plain = Task.detached {
                for _ in 0..<50 { await counter.add() }
                return await counter.threads
            }
            // … and from one that runs there.
            let here = loop.spawn {
                for _ in 0..<50 { await counter.add() }
                return thisThread()
            }
            let thread = try await here.value
            #expect(await plain.value.isSubset(of: [thread]))
            #expect(await counter.count == 100)
            #expect(await counter.threads == [thread])
        }
    }

    @Test func `assumeIsolated holds on the loop's thread`() async throws {
        try await withLoop { loop async throws in
            let counter = Counter(loop)
            addOne(counter)
            loop.addCallback { counter.assumeIsolated { $0.count += 1 } }
            try await loop.moment()
            #expect(await counter.count == 2)
        }
    }

    @Test func `jobs keep the order in which they were enqueued, callbacks among them`() async throws {
        try await withLoop { loop async throws in
            let order = Journal<Int>()
            for number in stride(from: 0, to: 20, by: 2) {
                loop.spawn { order.note(number) }
                loop.addCallback { order.note(number + 1) }
            }
            try await loop.moment()
            #expect(order.entries == Array(0..<20))
        }
    }

    @Test func `a late job on a closed loop still runs, one at a time, and its task ends`() async throws {
        let loop = try EventLoop()
        let counter = Counter(loop)
        try loop.close()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<50 { await counter.add() } }
            }
        }
        #expect(await counter.count == 200)
    }
}

private func addOne(_ counter: Counter) { counter.assumeIsolated { $0.count += 1 } }

private actor Counter {
    private let loop: EventLoop
    var count = 0
    var threads: Set<UInt> = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(_ loop: EventLoop) { self.loop = loop }

    func add() {
        count += 1
        threads.insert(thisThread())
    }
}
