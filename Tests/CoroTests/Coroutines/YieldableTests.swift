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

    @Test func `several things of different types are yielded at once and give a tuple, in parallel`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            @Sendable func after<Value: Sendable>(_ seconds: Int, _ value: Value) -> Future<Value> {
                loop.coroutine { co in
                    try await co.yield(loop.sleep(.seconds(seconds)))
                    return value
                }
            }
            let start = loop.now
            let future = loop.coroutine { co in
                let (number, text) = try await co.yield(after(3, 1), after(1, "a"))
                let (list, flag, _, value) = try await co.yield(
                    [after(1, 2), after(2, 3)], after(1, true), Moment(), Thunk { $0(.success(4.5)) })
                #expect((number, text) == (1, "a"))
                #expect(list == [2, 3])
                #expect((flag, value) == (true, 4.5))
                // All are waited for; the first failure by position is thrown.
                await #expect(throws: Oops("first")) {
                    try await co.yield(
                        Thunk<Int> { _ in throw Oops("first") }, after(1, 1), Future<Int>(on: loop, .cancelled))
                }
            }
            try await future.value
            #expect(start.duration(to: loop.now) == .seconds(6))
        }
    }

    @Test func `yieldAny takes mixed lists and dictionaries, nested as you like`() async throws {
        try await withLoop { loop async throws in
            let one = Future(on: loop, .finished(1))
            let text = Future(on: loop, .finished("a"))
            let future = loop.coroutine { co in
                let flat = try await co.yieldAny([one, text] as [Any]) as? [any Sendable]
                let deep = try await co.yieldAny([one, [text, ["key": [one]]]] as [Any]) as? [any Sendable]
                let named =
                    try await co.yieldAny(["a": one, "b": [text], "c": Future<Int>?.none as Any])
                    as? [String: any Sendable]
                let typed = try await co.yieldAny([[one], [one, one]]) as? [[Int]]
                let empty = try await co.yieldAny([] as [Any]) as? [any Sendable]
                return [
                    "\(flat ?? [])", "\(deep ?? [])", "\(named?["a"] ?? 0) \(named?["b"] ?? 0) \(named?.count ?? 0)",
                    "\(typed ?? [])", "\(empty?.count ?? -1)",
                ]
            }
            #expect(
                try await future.value == [
                    "[1, \"a\"]", "[1, [\"a\", [\"key\": [1]]]]", "1 [\"a\"] 3", "[[1], [1, 1]]", "0",
                ])
        }
    }

    @Test func `a bad member is named with its place, and catching it leaves the body where it was`() async throws {
        try await withLoop { loop async throws in
            let one = Future(on: loop, .finished(1))
            let future = loop.coroutine { co in
                do { _ = try await co.yieldAny([one, ["a": [one, 42]]] as [Any]) } catch let error as BadYieldError {
                    return "\(error.type) \(error.path) \(try await co.yield(one))"
                }
                return ""
            }
            #expect(try await future.value == "Int [1][\"a\"][1] 1")
        }
    }

    @Test func `a generator that yields now this, now that, yields AnyYieldable`() async throws {
        try await withLoop { loop async throws in
            let generator = Generator<AnyYieldable, any Sendable, String> { yielder in
                let number = try await yielder.yield(AnyYieldable(Future(on: loop, .finished(1)))) as? Int ?? 0
                _ = try await yielder.yield(AnyYieldable(.moment))
                do {
                    _ = try await yielder.yield(AnyYieldable(Thunk<Int> { _ in throw Oops("thrown in") }))
                } catch is Oops {
                    return "\(number) and caught"
                }
                return ""
            }
            #expect(try await generator.future(on: loop).value == "1 and caught")
        }
    }

    @Test func `a yielded generator cleans up when it is cancelled, and one that was stepped before is refused`()
        async throws
    {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let never = loop.promise(of: Int.self)
            let generator = Generator<Future<Int>, Int, Void> { yielder in
                defer { notes.note("cleaned") }
                do { _ = try await yielder.yield(never.future) } catch {
                    notes.note("\(type(of: error))")
                    throw error
                }
            }
            let future = loop.coroutine { co in try await co.yield(generator) }
            future.cancel()
            for _ in 0..<6 { try await loop.moment() }
            #expect(notes.entries == ["CancellationError", "cleaned"])
            #expect(never.future.isCancelled)

            let begun = Generator<Moment, Void, Void> { yielder in try await yielder.yield(Moment()) }
            _ = try begun.next()
            await #expect(throws: GeneratorError.alreadyBegun) { try await begun.future(on: loop).value }
        }
    }
}
