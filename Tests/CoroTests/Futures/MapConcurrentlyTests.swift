@testable import Coro
import CoroTesting
import Testing

@Suite struct MapConcurrentlyTests {
    @Test func `results come in the order of the elements, with no more than the limit under way`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let load = Load()
            let results = try await (0..<20).mapConcurrently(limit: 3, on: loop) { number in
                try await load.during { try await loop.sleep(for: .seconds(20 - number)) }
                return number * 2
            }
            #expect(results == (0..<20).map { $0 * 2 })
            #expect(load.most == 3)
            #expect(try await [Int]().mapConcurrently(limit: 3, on: loop) { $0 } == [])
            let optionals: [Int?] = try await (0..<4).mapConcurrently(limit: 2, on: loop) { $0 % 2 == 0 ? $0 : nil }
            #expect(optionals == [0, nil, 2, nil])
        }
    }

    @Test func `a shield keeps a cancel of the task away from all of it`() async throws {
        try await withLoop { loop async throws in
            let task = loop.spawn {
                while !Task.isCancelled { try? await loop.moment() }
                return try await loop.shielded(for: .seconds(9)) {
                    let work: @Sendable (Int) async throws -> Int = { number in
                        try await loop.moment()
                        return number
                    }
                    let some = try await (0..<3).mapConcurrently(limit: 2, on: loop, work)
                    return some + (try await Numbers(upTo: 3).mapConcurrently(limit: 2, on: loop, work))
                }
            }
            try await loop.moment()
            task.cancel()
            #expect(try await task.value == [0, 1, 2, 0, 1, 2])
        }
    }

    @Test func `all of it runs on the loop's thread, also when called from elsewhere`() async throws {
        try await withLoop { loop async throws in
            let threads = Journal<UInt>()
            let work: @Sendable (Int) async throws -> Void = { _ in
                threads.note(thisThread())
                try await loop.moment()
                threads.note(thisThread())
                try await loop.sleep(for: .microseconds(10))
                threads.note(thisThread())
            }
            try await (0..<10).forEachConcurrently(limit: 4, on: loop, work)
            threads.note(thisThread())
            try await Numbers(upTo: 10).forEachConcurrently(limit: 4, on: loop, work)
            threads.note(thisThread())
            let elsewhere = Task.detached {
                try await (0..<10).forEachConcurrently(limit: 4, on: loop, work)
                try await Numbers(upTo: 10, threads).forEachConcurrently(limit: 4, on: loop, work)
            }
            try await elsewhere.value
            #expect(Set(threads.entries) == [thisThread()])
        }
    }

    @Test func `the first failure cancels the others and is thrown when they have ended`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let ended = Journal<Int>()
            let started = Journal<Int>()
            let work: @Sendable (Int) async throws -> Int = { number in
                started.note(number)
                defer { ended.note(number) }
                if number == 1 {
                    try await loop.sleep(for: .seconds(1))
                    throw Oops("one")
                }
                do { try await loop.sleep(for: .seconds(100)) } catch {
                    // Clean-up that takes its time: the cancel came, and the call waits for this all the same.
                    for _ in 0..<5 { loop.addCallback {} }
                    await Task.detached {}.value
                    throw error
                }
                return number
            }
            await #expect(throws: Oops("one")) { try await (0..<10).mapConcurrently(limit: 3, on: loop, work) }
            #expect(started.entries.sorted() == [0, 1, 2])
            #expect(ended.entries.sorted() == [0, 1, 2])
            #expect(loop.now.nanoseconds == 1_000_000_000)
            await #expect(throws: Oops("one")) {
                try await Numbers(upTo: 10).mapConcurrently(limit: 3, on: loop, work)
            }
            #expect(ended.entries.count == started.entries.count)
            #expect(loop.now.nanoseconds == 2_000_000_000)
        }
    }

    @Test func `cancelling the caller cancels all, and nothing outlives the call`() async throws {
        try await withLoop { loop async throws in
            for asynchronous in [false, true] {
                let running = Load()
                let task = loop.spawn {
                    let work: @Sendable (Int) async throws -> Void = { _ in
                        try await running.during { try await loop.sleep(for: .seconds(100)) }
                    }
                    if asynchronous {
                        try await Numbers(upTo: 10).forEachConcurrently(limit: 4, on: loop, work)
                    } else {
                        try await (0..<10).forEachConcurrently(limit: 4, on: loop, work)
                    }
                }
                while running.now < 4 { try await loop.moment() }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(running.now == 0)
                #expect(running.total == 4, "no further element was taken")
            }
        }
    }

    @Test func `cancelled at any moment, it ends with all it had begun, or has all its results`() async throws {
        try await withLoop { loop async throws in
            for moment in 0..<40 {
                let running = Load()
                let task = loop.spawn {
                    try await Numbers(upTo: 6).mapConcurrently(limit: 2, on: loop) { number in
                        try await running.during { for _ in 0..<number { try await loop.moment() } }
                        return number
                    }
                }
                for _ in 0..<moment { try await loop.moment() }
                task.cancel()
                do { #expect(try await task.value == Array(0..<6)) } catch { #expect(error is CancellationError) }
                #expect(running.now == 0)
            }
        }
    }

    @Test func `a deadline and other task-locals reach the children`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(2)) {
                    try await (0..<3).forEachConcurrently(limit: 3, on: loop) { _ in
                        try await loop.sleep(for: .seconds(50))
                    }
                }
            }
            #expect(loop.now.nanoseconds == 2_000_000_000)
            let names = try await Trace.$name.withValue("caller") {
                try await Numbers(upTo: 2).mapConcurrently(limit: 2, on: loop) { _ in
                    try await loop.moment()
                    return Trace.name
                }
            }
            #expect(names == ["caller", "caller"])
        }
    }

    @Test func `no element is taken before there is room for it`() async throws {
        try await withLoop { loop async throws in
            let (taken, ended) = (Journal<Int>(), Journal<Int>())
            let lazily = (0..<10).lazy.map { number in
                taken.note(number)
                #expect(taken.entries.count - ended.entries.count <= 2)
                return number
            }
            try await lazily.forEachConcurrently(limit: 2, on: loop) { number in
                try await loop.moment()
                ended.note(number)
            }
            #expect(taken.entries == Array(0..<10))

            let (asked, done) = (Journal<UInt>(), Journal<Int>())
            try await Numbers(upTo: 10, asked).forEachConcurrently(limit: 2, on: loop) { number in
                try await loop.moment()
                // Those under way and those done; one more may be asked for once this one is done.
                #expect(asked.entries.count - done.entries.count <= 2)
                done.note(number)
            }
            #expect(done.entries.count == 10)
        }
    }

    @Test func `a failure does not wait for a sequence that is silent`() async throws {
        try await withLoop { loop async throws in
            let (stream, feed) = AsyncStream<Int>.makeStream()
            feed.yield(1)
            await #expect(throws: Oops("silent")) {
                try await stream.mapConcurrently(limit: 8, on: loop) { _ in
                    try await loop.moment()
                    throw Oops("silent")
                }
            }
        }
    }

    @Test func `the failure of a sequence cancels the work and is thrown`() async throws {
        try await withLoop { loop async throws in
            let running = Load()
            let (stream, feed) = AsyncThrowingStream<Int, any Error>.makeStream()
            feed.yield(1)
            let task = loop.spawn {
                try await stream.forEachConcurrently(limit: 8, on: loop) { _ in
                    try await running.during { try await loop.sleep(for: .seconds(100)) }
                }
            }
            while running.now < 1 { try await loop.moment() }
            feed.finish(throwing: Oops("source"))
            await #expect(throws: Oops("source")) { try await task.value }
            #expect(running.now == 0)
        }
    }
}

/// How much runs at once.
private final class Load: Sendable {
    private let changes = Journal<Int>()

    var now: Int { changes.entries.reduce(0, +) }
    var total: Int { changes.entries.count { $0 > 0 } }
    var most: Int {
        var (now, most) = (0, 0)
        for change in changes.entries {
            now += change
            most = max(most, now)
        }
        return most
    }

    func during(_ body: () async throws -> Void) async rethrows {
        changes.note(1)
        defer { changes.note(-1) }
        try await body()
    }
}

/// An asynchronous sequence that notes the threads it is asked on.
private struct Numbers: AsyncSequence, Sendable {
    let end: Int
    let threads: Journal<UInt>?

    init(upTo end: Int, _ threads: Journal<UInt>? = nil) {
        self.end = end
        self.threads = threads
    }

    func makeAsyncIterator() -> Iterator { Iterator(numbers: self) }

    struct Iterator: AsyncIteratorProtocol {
        let numbers: Numbers
        var next = 0

        mutating func next() async throws -> Int? {
            guard next < numbers.end else { return nil }
            numbers.threads?.note(thisThread())
            next += 1
            return next - 1
        }
    }
}
