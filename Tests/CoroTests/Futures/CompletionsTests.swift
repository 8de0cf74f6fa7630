@testable import Coro
import CoroTesting
import Testing

@Suite struct CompletionsTests {
    @Test func `case 15: outcomes come in the order of completion with their index, and an error does not end it`()
        async throws
    {
        try await withLoop { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: String.self) }
            var order: [Int] = []
            var values: [String] = []
            loop.addCallback {
                promises[2].trySucceed("c")
                promises[0].tryFail(Oops("step"))
                loop.addCallback { promises[1].trySucceed("b") }
            }
            for try await done in loop.asCompleted(promises.map(\.future)) {
                order.append(done.index)
                do { values.append(try done.get()) } catch { values.append("\(error)") }
                #expect(done.future === promises[done.index].future)
            }
            #expect(order == [2, 0, 1])
            #expect(values == ["c", "Oops(name: \"step\")", "b"])
        }
    }

    @Test func `case 15: a dictionary's outcomes come with their keys, a cancelled one among them`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
            let completions = loop.asCompleted(["one": one.future, "two": two.future])
            two.trySucceed(2)
            one.future.cancel()
            let first = try await completions.next()
            #expect(first?.key == "two")
            #expect(try first?.get() == 2)
            let second = try await completions.next()
            #expect(second?.key == "one")
            #expect(throws: CancellationError.self) { try second?.get() }
            #expect(try await completions.next()?.key == nil)
        }
    }

    @Test func `case 15: those done already come first, in their order`() async throws {
        try await withLoop { loop async throws in
            let pending = loop.promise(of: Int.self)
            let other = try EventLoop()
            let futures = [
                pending.future, Future(on: loop, .finished(1)), Future(on: other, .finished(2)),
                Future(on: loop, .finished(3)),
            ]
            var order: [Int] = []
            let completions = loop.asCompleted(futures)
            pending.trySucceed(0)
            for try await done in completions { order.append(done.index) }
            #expect(order == [1, 2, 3, 0])
            try await onOwnThread { try other.close() }
        }
    }

    @Test func `case 16: duplicates are each delivered, and an empty sequence ends at once`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            let completions = loop.asCompleted([promise.future, promise.future])
            promise.trySucceed(4)
            var seen: [[Int]] = []
            for try await done in completions { seen.append([done.index, try done.get()]) }
            #expect(seen == [[0, 4], [1, 4]])
            #expect(try loop.asCompleted([Future<Int>]()).nextFuture().get()?.index == nil)
            for try await _ in loop.asCompleted([String: Future<Int>]()) { Issue.record("there is nothing") }
        }
    }

    @Test func `a coroutine pulls by yielding the next future, done at once when something has arrived`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            let completions = loop.asCompleted(promises.map(\.future))
            promises[1].trySucceed(1)
            let pulling = loop.coroutine { co in
                var order: [Int] = []
                while let done = try await co.yield(completions.nextFuture()) { order.append(done.index) }
                return order
            }
            promises[2].trySucceed(2)
            try await loop.moment()
            promises[0].trySucceed(0)
            #expect(try await pulling.value == [1, 2, 0])
        }
    }

    @Test func `an iteration that was left can be taken up again, and misses nothing`() async throws {
        try await withLoop { loop async throws in
            let completions = loop.asCompleted((0..<4).map { Future(on: loop, .finished($0)) })
            var order: [Int] = []
            for try await done in completions {
                order.append(done.index)
                if order.count == 2 { break }
            }
            for try await done in completions { order.append(done.index) }
            #expect(order == [0, 1, 2, 3])
        }
    }

    @Test func `a step that was cancelled gives back what came before its turn, in its place`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            let completions = loop.asCompleted(promises.map(\.future))
            let waiting = loop.spawn { try await completions.next()?.index }
            try await loop.moment()
            waiting.cancel()
            loop.addCallback { for index in [1, 0] { promises[index].trySucceed(index) } }
            await #expect(throws: CancellationError.self) { try await waiting.value }
            promises[2].trySucceed(2)
            var order: [Int] = []
            for try await done in completions { order.append(done.index) }
            #expect(order == [1, 0, 2])
        }
    }

    @Test func `a step that was cancelled or timed out has taken nothing`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let promise = loop.promise(of: Int.self)
            let completions = loop.asCompleted([promise.future])
            let waiting = loop.spawn { try await completions.next()?.index }
            try await loop.moment()
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { for try await _ in completions {} }
            }
            // The cancel is on its way when the future is done: whoever comes next gets it.
            waiting.cancel()
            promise.trySucceed(1)
            let got = try? await waiting.value
            let left = try await completions.next()?.index
            #expect([got ?? nil, left].compactMap(\.self) == [0])
        }
    }

    @Test func `several who wait are served in order, one each, and the rest told of the end`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<2).map { _ in loop.promise(of: Int.self) }
            let completions = loop.asCompleted(promises.map(\.future))
            let turns = (0..<4).map { _ in completions.nextFuture() }
            turns[0].cancel()
            promises[1].trySucceed(1)
            #expect(try turns[1].get()?.index == 1)
            #expect(!turns[2].isDone)
            promises[0].trySucceed(0)
            #expect(try turns[2].get()?.index == 0)
            #expect(try turns[3].get()?.index == nil)
        }
    }

    @Test func `a failure that is never asked for is reported, unless it is quiet; one that was delivered is not`()
        async throws
    {
        let recorder = ReportRecorder { ($0.error as? Oops)?.name.hasPrefix("unasked") == true }
        try await withLoop { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            promises[0].tryFail(Oops("unasked, but delivered"))
            let left = loop.asCompleted(promises[0...1].map(\.future), file: "Left.swift", line: 3)
            for try await _ in left { break }
            promises[1].tryFail(Oops("unasked"))
            _ = loop.asCompleted([promises[2].future], quiet: [Oops.self])
            promises[2].tryFail(Oops("unasked and quiet"))
        }
        #expect(recorder.failures.map { $0.error as? Oops } == [Oops("unasked")])
        #expect(recorder.failures.first?.origin?.description == "Left.swift:3")
    }

    @Test func `ten thousand futures cost as much each as a hundred`() async throws {
        try await withLoop { loop async throws in
            let start = threadTime()
            for forwards in [true, false] {
                let promises = (0..<10_000).map { _ in loop.promise(of: Int.self) }
                let completions = loop.asCompleted(promises.map(\.future))
                let order = forwards ? Array(0..<10_000) : Array((0..<10_000).reversed())
                for index in order { promises[index].trySucceed(index) }
                var seen: [Int] = []
                for try await done in completions { seen.append(done.index) }
                #expect(seen == order)
                let waiting = loop.asCompleted(promises.map(\.future))
                let turns = (0..<10_001).map { _ in waiting.nextFuture() }
                #expect(try turns[9_999].get()?.index == 9_999)
                #expect(try turns[10_000].get()?.index == nil)
            }
            // Under the sanitizer too; quadratic cost would be minutes.
            #expect(threadTime() - start < 8_000_000_000)
        }
    }

    @Test func `it is made and pulled on another thread too`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<100).map { _ in loop.promise(of: Int.self) }
            let reading = Task.detached {
                var seen: [Int] = []
                for try await done in loop.asCompleted(promises.map(\.future)) { seen.append(done.index) }
                return seen
            }
            for promise in promises {
                try await loop.moment()
                promise.trySucceed(1)
            }
            #expect(try await reading.value.sorted() == Array(0..<100))
        }
    }
}
