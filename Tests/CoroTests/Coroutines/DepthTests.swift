import Coro
import CoroTesting
import Testing

/// Delegation has no depth that is too much. Every test runs on a thread with 512 KiB of stack, a sixteenth of the usual.
@Suite struct DepthTests {
    static let depth = 100_000
    /// Enough to overflow that stack a dozen times, where the time is better spent elsewhere.
    static let lesser = 10_000
    private let stack = 512 * 1024

    /// Runs `body` with a loop on the small stack, and closes the loop there.
    private func run<Result: Sendable>(
        _ body: @escaping @Sendable (EventLoop) throws -> Result
    ) async throws -> Result {
        try await onStack(of: stack) {
            let loop = try EventLoop()
            let result = Swift.Result { try body(loop) }
            try loop.close()
            return try result.get()
        }
    }

    /// Each level waits for the next; the last gives zero, or waits for `leaf`.
    @Sendable private static func descend(_ loop: EventLoop, _ depth: Int, leaf: Future<Int>? = nil) -> Future<Int> {
        loop.coroutine { co in
            if depth == 0 { return try await co.yield(leaf) ?? 0 }
            return try await co.yield(descend(loop, depth - 1, leaf: leaf)) + 1
        }
    }

    @Test func `co: recursive delegation 100,000 deep comes back with its value, on half a megabyte of stack`()
        async throws
    {
        let value = try await run { loop in
            try loop.runSync { try await Self.descend(loop, Self.depth).value }
        }
        #expect(value == Self.depth)
    }

    @Test func `a leaf that waits is resumed 10,000 deep, and its failure comes up through all of them`() async throws {
        try await run { loop in
            try loop.runSync {
                let promise = loop.promise(of: Int.self)
                let future = Self.descend(loop, Self.lesser, leaf: promise.future)
                #expect(!future.isDone)
                promise.tryFail(Oops("deep"))
                await #expect(throws: Oops("deep")) { try await future.value }
            }
        }
    }

    @Test func `the first thirty-two start inside the call of the one before, the others inside the outermost`()
        async throws
    {
        try await withLoop { loop async throws in
            let order = Journal<Int>()
            @Sendable func descend(_ depth: Int) -> Future<Void> {
                loop.coroutine { co in
                    order.note(depth)
                    if depth < 70 { try await co.yield(descend(depth + 1)) }
                    order.note(-depth)
                }
            }
            let future = descend(1)
            // All have begun, and begun in order, when the call returns.
            #expect(order.entries.filter { $0 > 0 } == Array(1...70))
            // The last ones nested and ran to their ends. Those before each gap wait for what began after them.
            #expect(order.entries.suffix(7) == Array((64...70).reversed().map { -$0 }))
            #expect(order.entries.count == 77)
            try await future.value
            #expect(order.entries.suffix(63) == Array((1...63).reversed().map { -$0 }))
        }
    }

    @Test func `cancelling reaches the leaf 100,000 deep, and every clean-up runs`() async throws {
        let (stopped, cleaned) = try await run { loop in
            let stopped = Journal<Void>()
            let cleaned = Journal<Void>()
            @Sendable func descend(_ depth: Int, leaf: Future<Int>) -> Future<Int> {
                loop.coroutine { co in
                    defer { cleaned.note(()) }
                    return try await co.yield(depth == 0 ? leaf : descend(depth - 1, leaf: leaf))
                }
            }
            try loop.runSync {
                let promise = loop.promise(of: Int.self)
                promise.onCancel { stopped.note(()) }
                let future = descend(Self.depth, leaf: promise.future)
                future.cancel()
                #expect(promise.future.isCancelled)
                await #expect(throws: CancellationError.self) { try await future.value }
                for _ in 0..<3 { try await loop.moment() }
            }
            return (stopped.entries.count, cleaned.entries.count)
        }
        #expect(stopped == 1)
        #expect(cleaned == Self.depth + 1)
    }

    @Test func `a loop that closes half-way down ends them all, and a dropped promise too`() async throws {
        let ended = Journal<String>()
        @Sendable func descend(_ loop: EventLoop, _ depth: Int, leaf: Future<Int>) -> Future<Int> {
            loop.coroutine { co in
                // Now and then a turn of the loop, so that the descent takes many iterations.
                if depth % 1_000 == 0 { try await co.yield() }
                do { return try await co.yield(depth == 0 ? leaf : descend(loop, depth - 1, leaf: leaf)) } catch {
                    ended.note("\(type(of: error))")
                    throw error
                }
            }
        }
        let deepest = try await run { loop in
            let promise = loop.promise(of: Int.self)
            let future = descend(loop, Self.lesser, leaf: promise.future)
            try loop.runSync { for _ in 0..<Self.lesser / 2_000 { try await loop.moment() } }
            #expect(!future.isDone)
            try loop.close()
            #expect(future.isDone)
            return ended.entries.count
        }
        #expect(deepest > Self.lesser / 4 && deepest < Self.lesser)
        #expect(Set(ended.entries) == ["LoopError"])

        try await run { loop in
            var promise: Promise<Int>? = loop.promise(of: Int.self)
            let future = Self.descend(loop, Self.lesser, leaf: promise?.future)
            promise = nil
            #expect(throws: AbandonedError.self) { try loop.runSync { try await future.value } }
        }
    }

    @Test func `generator functions, and native closures, delegate 10,000 deep`() async throws {
        let (value, native) = try await run { loop in
            @Sendable func inner(_ co: Coroutine, _ depth: Int) async throws -> Int {
                guard depth > 0 else { return 0 }
                return try await co.yield { co in try await inner(co, depth - 1) + 1 }
            }
            @Sendable func native(_ depth: Int) -> Future<Int> {
                loop.coroutine { co in
                    guard depth > 0 else { return 0 }
                    return try await co.yield { try await native(depth - 1).value + 1 }
                }
            }
            return try loop.runSync {
                (
                    try await loop.coroutine { co in try await inner(co, Self.lesser) }.value,
                    try await native(Self.lesser).value
                )
            }
        }
        #expect(value == Self.lesser)
        #expect(native == Self.lesser)
    }

    @Test func `yielded generators delegate 10,000 deep, and cancelling closes them all`() async throws {
        let (value, cleaned) = try await run { loop in
            let cleaned = Journal<Void>()
            @Sendable func descend(_ depth: Int, leaf: Future<Int>) -> Generator<AnyYieldable, any Sendable, Int> {
                Generator { yielder in
                    defer { cleaned.note(()) }
                    let next = depth == 0 ? AnyYieldable(leaf) : AnyYieldable(descend(depth - 1, leaf: leaf))
                    return try #require(try await yielder.yield(next) as? Int) + 1
                }
            }
            let value = try loop.runSync {
                try await descend(Self.lesser, leaf: Future(on: loop, .finished(0))).future(on: loop).value
            }
            #expect(cleaned.entries.count == Self.lesser + 1)
            try loop.runSync {
                let promise = loop.promise(of: Int.self)
                let future = descend(Self.lesser, leaf: promise.future).future(on: loop)
                future.cancel()
                for _ in 0..<6 { try await loop.moment() }
                #expect(promise.future.isCancelled)
            }
            return (value, cleaned.entries.count)
        }
        #expect(value == Self.lesser + 1)
        #expect(cleaned == 2 * (Self.lesser + 1))
    }

    @Test func `a generator yields from others 10,000 deep; stepped, closed or dropped there`() async throws {
        let cleaned = Journal<Void>()
        @Sendable func descend(_ depth: Int) -> Generator<Int, Int, Int> {
            Generator { yielder in
                defer { cleaned.note(()) }
                if depth == 0 { return try await yielder.yield(0) + yielder.yield(1) }
                return try await yielder.yield(from: descend(depth - 1)) + 1
            }
        }
        try await onStack(of: stack) {
            let generator = descend(Self.lesser)
            #expect(try generator.start().yielded == 0)
            #expect(try generator.send(20).yielded == 1)
            #expect(try generator.send(22).returned == 42 + Self.lesser)
            #expect(cleaned.entries.count == Self.lesser + 1)

            let closed = descend(Self.lesser)
            _ = try closed.start()
            closed.close()
            #expect(closed.isFinished)
            #expect(cleaned.entries.count == 2 * (Self.lesser + 1))

            do {
                let dropped = descend(Self.lesser)
                _ = try dropped.start()
            }
            #expect(cleaned.entries.count == 3 * (Self.lesser + 1))

            let thrown = descend(Self.lesser)
            _ = try thrown.start()
            #expect(throws: Oops("up")) { try thrown.throw(Oops("up")) }
        }
    }

    @Test func `a chain of 10,000 generators that hold each other is dropped on a flat stack`() async throws {
        let last = try await onStack(of: stack) {
            let held = Held()
            var chain = Generator<Int, Void, Void> { _ in withExtendedLifetime(held) {} }
            for _ in 0..<Self.lesser {
                let inner = chain
                chain = Generator { yielder in try await yielder.yield(from: inner) }
            }
            return WeakHeld(held: held)
        }
        #expect(last.held == nil)
    }
}
