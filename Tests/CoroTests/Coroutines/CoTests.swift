import Coro
import CoroTesting
import Testing

/// The rows of co 4.6.0, one by one, and where Coro chooses otherwise. Delegation without end is in `DepthTests`.
@Suite struct CoTests {
    @Test func `co: a generator function starts inside the call, with its arguments, and gives a future`() async throws
    {
        try await withLoop { loop async throws in
            let order = Journal<String>()
            let greet = loop.wrap { (co, greeting: String, name: String) in
                order.note("body")
                try await co.yield()
                return "\(greeting), \(name)"
            }
            let future = greet("Hello", "world")
            order.note("after call")
            #expect(order.entries == ["body", "after call"])
            #expect(try await future.value == "Hello, world")
        }
    }

    @Test func `co: a plain function's value or error becomes a future that is done`() async throws {
        try await withLoop { loop async throws in
            let divide = loop.wrapPlain { (x: Int, y: Int) throws -> Int in
                if y == 0 { throw Oops("division") }
                return x / y
            }
            #expect(try divide(6, 3).get() == 2)
            #expect(throws: Oops("division")) { try divide(1, 0).get() }
            #expect(try loop.coroutine { _ in 5 }.get() == 5)
        }
    }

    @Test
    func
        `co: a yielded promise gives its value; its failure is thrown at the yield, caught there, and the body goes on`()
        async throws
    {
        try await withLoop { loop async throws in
            let (good, bad) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
            loop.addCallback { good.trySucceed(1) }
            loop.addCallback { bad.tryFail(Oops("bad")) }
            let future = loop.coroutine { co in
                let one = try await co.yield(good.future)
                var caught = 0
                do { _ = try await co.yield(bad.future) } catch is Oops { caught += 1 }
                return one + caught + (try await co.yield(good.future))
            }
            #expect(try await future.value == 3)
        }
    }

    @Test func `co: arrays are waited for in parallel, in order, nested, empty too`() async throws {
        try await withLoop { loop async throws in
            let (slow, fast) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
            loop.addCallback { fast.trySucceed(2) }
            fast.future.whenDone { _ in slow.trySucceed(1) }
            let future = loop.coroutine { co in
                let flat = try await co.yield([slow.future, fast.future])
                let nested = try await co.yield([[[slow.future], []], [[fast.future]]])
                let empty = try await co.yield([Future<Int>]())
                #expect(nested == [[[1], []], [[2]]])
                return flat + empty
            }
            #expect(try await future.value == [1, 2])
        }
    }

    @Test func `co: objects are waited for in parallel, by key, nested with arrays either way`() async throws {
        try await withLoop { loop async throws in
            @Sendable func later(_ number: Int) -> Future<Int> {
                loop.coroutine { co in
                    try await co.yield()
                    return number
                }
            }
            let future = loop.coroutine { co in
                let users = try await co.yield(["ids": [later(1), later(2)], "none": []])
                let pages = try await co.yield([["a": later(3)], ["b": later(4), "c": later(5)]])
                let deep = try await co.yield(["x": ["y": ["z": later(6)]]])
                #expect(users == ["ids": [1, 2], "none": []])
                #expect(pages == [["a": 3], ["b": 4, "c": 5]])
                #expect(deep == ["x": ["y": ["z": 6]]])
            }
            try await future.value
        }
    }

    @Test func `co: members that are not yieldable are refused, not passed through, and nothing is started`()
        async throws
    {
        try await withLoop { loop async throws in
            let started = Journal<Void>()
            let future = loop.coroutine { co in
                let thunk = Thunk<Int> { done in
                    started.note(())
                    done(.success(1))
                }
                do {
                    _ = try await co.yieldAny(["list": [thunk, 1, "a"] as [Any]])
                    return ""
                } catch let error as BadYieldError { return "\(error.type) at \(error.path)" }
            }
            #expect(try await future.value == "Int at [\"list\"][1]")
            #expect(started.entries.isEmpty)
        }
    }

    @Test func `co: a failure in an array is the first by position, after all; or cancels its siblings, when asked`()
        async throws
    {
        try await withLoop { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            let all = loop.coroutine { co in try await co.yield(promises.map(\.future)) }
            promises[2].tryFail(Oops("quick"))
            for _ in 0..<4 { try await loop.moment() }
            // The siblings go on.
            #expect(!all.isDone)
            promises[1].tryFail(CancellationError())
            promises[0].trySucceed(0)
            await #expect(throws: CancellationError.self) { try await all.value }

            let siblings = (0..<2).map { _ in loop.promise(of: Int.self) }
            let first = loop.coroutine { co in
                try await co.yield(loop.gather(siblings.map(\.future), onFailure: .cancelRest))
            }
            siblings[1].tryFail(Oops("first in time"))
            await #expect(throws: Oops("first in time")) { try await first.value }
            #expect(siblings[0].future.isCancelled)
        }
    }

    @Test func `co: generators and generator functions are yielded by delegation, in arrays too`() async throws {
        try await withLoop { loop async throws in
            @Sendable func twice(_ number: Int) -> Generator<Future<Int>, Int, Int> {
                Generator { yielder in
                    let one = try await yielder.yield(Future(on: loop, .finished(number)))
                    let two = try await yielder.yield(
                        loop.coroutine { co in
                            try await co.yield()
                            return number
                        })
                    return one + two
                }
            }
            let future = loop.coroutine { co in
                let one = try await co.yield(twice(1))
                let many = try await co.yield([twice(2), twice(3)])
                let named = try await co.yield(["a": twice(4)])
                let function = try await co.yield { inner in try await inner.yield(twice(5)) }
                #expect(named == ["a": 8])
                return [one] + many + [function]
            }
            #expect(try await future.value == [2, 4, 6, 10])
            // And without a coroutine around it, as co(generator).
            #expect(try await twice(6).future(on: loop).value == 12)
        }
    }

    @Test func `co: what is not yieldable is thrown into the body, as often as it tries`() async throws {
        struct Date {}
        final class Instance: Sendable {}
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                var refused: [String] = []
                let values: [Any] = [
                    0, 42, "s", true, Date(), Instance(), (1, 2), ["a": 1] as [String: Any], { 1 } as () -> Int,
                ]
                for value in values {
                    do { _ = try await co.yieldAny(value) } catch let error as BadYieldError {
                        refused.append(error.type)
                    }
                }
                return refused
            }
            let refused = try await future.value
            #expect(refused == ["Int", "Int", "String", "Bool", "Date", "Instance", "(Int, Int)", "Int", "() -> Int"])
        }
    }

    @Test
    func
        `co: an error before the first yield, after some, or in a nested one fails the outer; what follows does not run`()
        async throws
    {
        try await withLoop { loop async throws in
            let reached = Journal<String>()
            for yields in [0, 1, 3] {
                let future: Future<Void> = loop.coroutine { co in
                    for _ in 0..<yields { try await co.yield() }
                    throw Oops("after \(yields)")
                }
                await #expect(throws: Oops("after \(yields)")) { try await future.value }
            }
            let outer = loop.coroutine { co in
                try await co.yield { inner in
                    try await inner.yield { _ in throw Oops("nested") }
                    reached.note("inner")
                }
                reached.note("outer")
            }
            await #expect(throws: Oops("nested")) { try await outer.value }
            #expect(reached.entries.isEmpty)
        }
    }

    @Test func `co: what is returned is not waited for: a returned future is the value`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            let future = loop.coroutine { _ in promise.future }
            #expect(try future.get() === promise.future)
            promise.trySucceed(1)
        }
    }

    @Test func `co: nested ones run one after the other, and their values flow back`() async throws {
        try await withLoop { loop async throws in
            let order = Journal<String>()
            let future = loop.coroutine { co in
                var total = 0
                for name in ["a", "b", "c"] {
                    total += try await co.yield { inner in
                        order.note("\(name)1")
                        try await inner.yield()
                        order.note("\(name)2")
                        return 10
                    }
                }
                return total
            }
            #expect(try await future.value == 30)
            #expect(order.entries == ["a1", "a2", "b1", "b2", "c1", "c2"])
        }
    }

    @Test func `co: two hundred thousand synchronous thunks and completed futures leave the stack flat`() async throws {
        let sum = try await onStack(of: 256 * 1024) {
            let loop = try EventLoop()
            let sum = try loop.runSync {
                try await loop.coroutine { co in
                    let done = Future(on: loop, .finished(1))
                    var sum = 0
                    for _ in 0..<100_000 {
                        sum += try await co.yield(Thunk { complete in complete(.success(1)) })
                        sum += try await co.yield(done)
                    }
                    return sum
                }.value
            }
            try loop.close()
            return sum
        }
        #expect(sum == 200_000)
    }

    @Test func `co: an endless loop keeps nothing of the rounds behind it`() async throws {
        try await withLoop { loop async throws in
            let alive = Journal<Int>()
            let count = Alive()
            let future = loop.coroutine { co in
                for round in 0..<4_000 {
                    let value = try await co.yield { inner in
                        try await inner.yield()
                        return Counted(count)
                    }
                    if round % 200 == 199 { alive.note(count.number) }
                    withExtendedLifetime(value) {}
                }
            }
            try await future.value
            // The one of the round itself, and what the runtime may still hold of the last.
            #expect(alive.entries.count == 20)
            #expect(alive.entries.allSatisfy { $0 <= 3 })
        }
    }
}

/// How many `Counted` there are; all on one loop's thread.
final class Alive: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): touched on one thread only.
    fileprivate(set) var number = 0
}

final class Counted: Sendable {
    private let alive: Alive
    init(_ alive: Alive) {
        self.alive = alive
        alive.number += 1
    }
    deinit { alive.number -= 1 }
}
