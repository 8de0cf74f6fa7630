import Coro
import CoroTesting
import Testing

@Suite struct WrapTests {
    @Test func `co: wrap makes a function of arguments from a generator function`() async throws {
        try await withLoop { loop async throws in
            @Sendable func fetch(_ url: String) -> Future<Int> { Future(on: loop, .finished(url.count)) }
            let fetchTwice = loop.wrap { (co, url: String) in
                let first = try await co.yield(fetch(url))
                return first + (try await co.yield(fetch(url)))
            }
            let nothing = loop.wrap { co in try await co.yield(fetch("")) }
            let three = loop.wrap { (co, a: Int, b: String, c: [Int]) in
                try await co.yield()
                return "\(a)\(b)\(c)"
            }
            let future: Future<Int> = fetchTwice("four")
            #expect(try future.get() == 8)
            #expect(try nothing().get() == 0)
            #expect(try await three(1, "b", [3]).value == "1b[3]")
        }
    }

    @Test func `S2: generator functions and plain ones are wrapped alike`() async throws {
        @Sendable func plain(_ number: Int) throws -> Int {
            if number < 0 { throw Oops("negative") }
            return number * 2
        }
        try await withLoop { loop async throws in
            let generator = loop.wrap { (co, number: Int) in
                try await co.yield()
                return number * 2
            }
            let functions: [@Sendable (Int) -> Future<Int>] = [generator, loop.wrapPlain(plain)]
            for function in functions { #expect(try await function(4).value == 8) }
            let wrapped = loop.wrapPlain(plain)
            let cancelled = loop.wrapPlain { () throws -> Int in throw CancellationError() }
            #expect(throws: Oops("negative")) { try wrapped(-1).get() }
            #expect(cancelled().isCancelled)
        }
    }

    @Test func `a wrapped function throws nothing at the call, and each call is a coroutine of its own`() async throws {
        try await withLoop { loop async throws in
            let order = Journal<String>()
            let work = loop.wrap { (co, name: String) in
                for round in 1...2 {
                    order.note("\(name)\(round)")
                    try await co.yield()
                }
                if name == "b" { throw Oops("wrapped") }
            }
            let (a, b) = (work("a"), work("b"))
            try await a.value
            await #expect(throws: Oops("wrapped")) { try await b.value }
            #expect(order.entries == ["a1", "b1", "a2", "b2"])
        }
    }

    @Test func `a wrapped function may be called from any thread`() async throws {
        try await withLoop { loop async throws in
            let isHere = loop.wrap { (_: Coroutine, loop: EventLoop) in loop.isCurrent }
            let future = try await onOwnThread { isHere(loop) }
            #expect(try await future.value)
        }
    }
}
