import Coro
import CoroTesting
import Testing

@Suite struct YieldableTests {
    @Test func `everything in the list may be yielded: futures, tasks, coroutines, native closures, thunks, moments`()
        async throws
    {
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                let one = try await co.yield(Future(on: loop, .finished(1)))
                let two = try await co.yield(loop.spawn { 2 })
                let three = try await co.yield(loop.coroutine { _ in 3 })
                let four = try await co.yield { 4 }
                let five = try await co.yield(Thunk { done in done(.success(5)) })
                try await co.yield(.moment)
                try await co.yield()
                return [one, two, three, four, five]
            }
            #expect(try await future.value == [1, 2, 3, 4, 5])
        }
    }

    @Test func `arrays, dictionaries and optionals of yieldables are waited for in parallel, nested too`() async throws
    {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            @Sendable func after(_ seconds: Int) -> Future<Int> {
                loop.coroutine { co in
                    try await co.yield(loop.sleep(.seconds(seconds)))
                    return seconds
                }
            }
            let start = loop.now
            let future = loop.coroutine { co in
                let list = try await co.yield([after(3), after(1)])
                let byText = try await co.yield(["a": after(1), "b": after(2)])
                let byNumber = try await co.yield([1: after(1), 2: after(2)])
                let nested = try await co.yield([[after(1)], [], [after(2), after(3)]])
                let nothing = try await co.yield(Future<Int>?.none)
                let something = try await co.yield(Optional(after(1)))
                #expect(list == [3, 1])
                #expect(byText == ["a": 1, "b": 2])
                #expect(byNumber == [1: 1, 2: 2])
                #expect(nested == [[1], [], [2, 3]])
                #expect(nothing == nil)
                #expect(something == 1)
            }
            try await future.value
            // The longest of each, not the sum: 3 + 2 + 2 + 3 + 1.
            #expect(start.duration(to: loop.now) == .seconds(11))
        }
    }

    @Test func `case 6: empty lists and dictionaries do not suspend`() async throws {
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                let list = try await co.yield([Future<Int>]())
                let dictionary = try await co.yield([String: Future<Int>]())
                return list.count + dictionary.count
            }
            #expect(try future.get() == 0)
        }
    }

    @Test func `case 2: yielding 42 or a tuple fails with the bad-yield error, which can be caught at the yield`()
        async throws
    {
        try await withLoop { loop async throws in
            let caught = loop.coroutine { co in
                var types: [String] = []
                for value in [42, (1, 2), "text", [1, 2]] as [Any] {
                    do { _ = try await co.yieldAny(value) } catch let error as BadYieldError {
                        types.append(error.type)
                    }
                }
                return types
            }
            #expect(try await caught.value == ["Int", "(Int, Int)", "String", "Int"])
            let uncaught = loop.coroutine { co in _ = try await co.yieldAny(42) }
            await #expect(throws: BadYieldError.self) { try await uncaught.value }
            let good = loop.coroutine { co in try await co.yieldAny([Future(on: loop, .finished(1))]) as? [Int] }
            #expect(try await good.value == [1])
        }
    }

    @Test func `a thunk's second completion is ignored, and one that throws has failed`() async throws {
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                let first = try await co.yield(
                    Thunk<Int> { done in
                        done(.success(1))
                        done(.success(2))
                        done(.failure(Oops("late")))
                    })
                var caught: [String] = []
                do { _ = try await co.yield(Thunk<Int> { _ in throw Oops("thrown") }) } catch {
                    caught.append("\(error)")
                }
                do {
                    _ = try await co.yield(Thunk<Int> { done in done(.failure(Oops("failed"))) })
                } catch { caught.append("\(error)") }
                do { _ = try await co.yield(Thunk<Int> { _ in }) } catch is AbandonedError { caught.append("dropped") }
                return (first, caught.count)
            }
            #expect(try await future.value == (1, 3))
        }
    }

    @Test func `a generator function is yielded by delegation, with its value, its failure and its cancellation`()
        async throws
    {
        try await withLoop { loop async throws in
            let cleanUp = Journal<String>()
            let future = loop.coroutine { co in
                let value = try await co.yield { inner in
                    let half = try await inner.yield { innermost in
                        try await innermost.yield()
                        return 20
                    }
                    return half + 1
                }
                do {
                    try await co.yield { inner in
                        try await inner.yield()
                        throw Oops("inner")
                    }
                } catch { cleanUp.note("caught") }
                return value * 2
            }
            let value = try await future.value
            #expect(value == 42)
            let never = loop.promise(of: Int.self)
            let cancelled = loop.coroutine { co in
                try await co.yield { inner in
                    defer { cleanUp.note("cleaned") }
                    return try await inner.yield(never.future)
                }
            }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            try await loop.moment()
            #expect(cleanUp.entries == ["caught", "cleaned"])
        }
    }

    @Test func `a thunk may complete on another thread`() async throws {
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                let value = try await co.yield(Thunk<Int> { done in startThread { done(.success(9)) } })
                return (value, loop.isCurrent)
            }
            #expect(try await future.value == (9, true))
        }
    }

    @Test func `a type of one's own is yieldable by naming its future`() async throws {
        struct Twice: Yieldable {
            let number: Int
            func future(on loop: EventLoop) -> Future<Int> { Future(on: loop, .finished(number * 2)) }
        }
        try await withLoop { loop async throws in
            #expect(try await loop.coroutine { co in try await co.yield(Twice(number: 21)) }.value == 42)
        }
    }
}
