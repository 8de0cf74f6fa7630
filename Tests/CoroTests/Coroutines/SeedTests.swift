import Coro
import CoroTesting
import Testing

/// The examples of the founding texts and of Docs/Coroutines.md, as they stand there, made to run. (Those that speak HTTP
/// are in Examples/ParallelFetch and Examples/SeedStory.)
@Suite struct SeedTests {
    // MARK: "coroutine in Python Tornado and NodeJs"

    /// `fetch` of the text: a callback sets the future's result.
    @Sendable private static func fetch(_ impl: (@escaping @Sendable (String) -> Void) -> Void, on loop: EventLoop)
        -> Future<String>
    {
        let promise = loop.promise(of: String.self)
        impl { response in promise.trySucceed(response) }
        return promise.future
    }

    @Test func `S1 and S3: the text's request: a coroutine that yields what a callback will deliver`() async throws {
        try await withLoop { loop async throws in
            let callbacks = Journal<@Sendable (String) -> Void>()
            @Sendable func request(_ uri: String) -> Future<String> {
                coroutine { co in
                    let response = try await co.yield(Self.fetch({ callbacks.note($0) }, on: loop))
                    return "\(uri): \(response)"
                }
            }
            let future = request("/")
            #expect(!future.isDone)
            callbacks.entries[0]("200")
            #expect(try await future.value == "/: 200")
        }
    }

    @Test func `S2: the wrapper takes a function with or without a yield in it`() async throws {
        try await withLoop { loop async throws in
            let without = coroutine { _ in "value" }
            let with = coroutine { co in
                try await co.yield()
                return "value"
            }
            #expect(without.isDone)
            #expect(!with.isDone)
            #expect(try await with.value == without.get())
        }
    }

    // MARK: "coroutine based I/O": generator, Future and Task by hand

    /// The session in the interpreter.
    private func useYield(_ printed: Journal<String>) -> Generator<String, String?, String> {
        Generator { yielder in
            printed.note("enter the func")
            let value = try await yielder.yield("hello")
            printed.note("got: \(value ?? "nothing")")
            return value ?? "nothing"
        }
    }

    @Test func `the session: send nothing, send "world", and where StopIteration was`() throws {
        let printed = Journal<String>()
        let gen = useYield(printed)
        #expect(try gen.send(nil).yielded == "hello")
        #expect(printed.entries == ["enter the func"])
        #expect(try gen.send("world").returned == "world")
        #expect(printed.entries == ["enter the func", "got: world"])
        #expect(throws: GeneratorError.finished) { try gen.send("world") }
    }

    /// The text's own `Future` and `Task`, a few lines each.
    private final class HandFuture: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): this test is on one thread.
        private var callbacks: [() throws -> Void] = []
        func addDoneCallback(_ callback: @escaping () throws -> Void) { callbacks.append(callback) }
        func setResult() throws { for callback in callbacks { try callback() } }
    }

    private final class HandTask {
        let coro: Generator<HandFuture, Void, Void>
        init(_ coro: Generator<HandFuture, Void, Void>) { self.coro = coro }
        func step() throws {
            guard case .yielded(let future) = try coro.next() else { return }
            future.addDoneCallback(step)
        }
    }

    @Test func `S13: a hand-built Task steps a generator through hand-built Futures`() throws {
        let order = Journal<String>()
        let futures = Journal<HandFuture>()
        func request(_ name: String) -> Generator<HandFuture, Void, Void> {
            Generator { yielder in
                for wait in ["writable", "readable"] {
                    order.note("\(name) waits to be \(wait)")
                    let future = HandFuture()
                    futures.note(future)
                    try await yielder.yield(future)
                }
                order.note("\(name) done")
            }
        }
        try HandTask(request("a")).step()
        try HandTask(request("b")).step()
        var next = 0
        while next < futures.entries.count {
            try futures.entries[next].setResult()
            next += 1
        }
        #expect(
            order.entries == [
                "a waits to be writable", "b waits to be writable", "a waits to be readable", "b waits to be readable",
                "a done", "b done",
            ])
    }

    // MARK: "Calling coroutines"

    struct DivisionByZero: Error {}

    @Sendable private static func divide(_ x: Int, by y: Int) async throws -> Int {
        guard y != 0 else { throw DivisionByZero() }
        return x / y
    }

    @Sendable private static func divideDecorated(_ x: Int, by y: Int) -> Future<Int> {
        coroutine { _ in
            guard y != 0 else { throw DivisionByZero() }
            return x / y
        }
    }

    @Test func `S5 and S8: the bad call throws nothing, the good calls do, and fire and forget goes through the loop`()
        async throws
    {
        let recorder = ReportRecorder { $0.error is DivisionByZero }
        try await withLoop { loop async throws in
            func badCall() { _ = Self.divideDecorated(1, by: 0) }
            badCall()
            #expect(recorder.failures.count == 1)
            await #expect(throws: DivisionByZero.self) { try await Self.divide(1, by: 0) }
            await #expect(throws: DivisionByZero.self) { try await Self.divideDecorated(1, by: 0).value }
            loop.spawn(name: "divide") { try await Self.divide(1, by: 0) }
            for _ in 0..<5 { try await loop.moment() }
            #expect(recorder.failures.count == 2)
        }
    }

    @Test func `S9: at the top of a program, runSync`() async throws {
        let quotient = try await onOwnThread {
            let loop = try EventLoop()
            let quotient = try loop.runSync { try await Self.divide(6, by: 2) }
            try loop.close()
            return quotient
        }
        #expect(quotient == 3)
    }

    // MARK: "Parallelism"

    @Test func `S6: yield a list or a dictionary; gather in native code`() async throws {
        try await withLoop { loop async throws in
            @Sendable func fetch(_ url: String) -> Future<String> {
                loop.coroutine { co in
                    try await co.yield()
                    return "page \(url)"
                }
            }
            let decorated = coroutine { co in
                let both = try await co.yield([fetch("1"), fetch("2")])
                let byName = try await co.yield(["one": fetch("1"), "two": fetch("2")])
                return (both, byName)
            }
            let (both, byName) = try await decorated.value
            #expect(both == ["page 1", "page 2"])
            #expect(byName == ["one": "page 1", "two": "page 2"])
            let responses = try await loop.gather(["1", "2"].map { fetch($0) }).value
            #expect(responses == both)
            let (text, number) = try await loop.gather(fetch("1"), loop.coroutine { _ in 1 }).value
            #expect((text, number) == ("page 1", 1))
            async let a = fetch("1").value
            async let b = fetch("2").value
            #expect(try await [a, b] == both)
        }
    }

    // MARK: "Interleaving" and "Looping"

    /// Chunks that arrive one a turn, then nothing.
    private final class Chunks: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): lives on one loop.
        private let loop: EventLoop
        private var left = 3
        let order = Journal<String>()
        init(on loop: EventLoop) { self.loop = loop }

        func fetchNext() -> Future<Int?> {
            loop.coroutine { co in
                self.order.note("fetch")
                try await co.yield()
                self.left -= 1
                return self.left < 0 ? nil : self.left
            }
        }
        func next() async throws -> Int? { try await fetchNext().value }
        func write(_ chunk: Int) async throws {
            order.note("write \(chunk)")
            try await loop.moment()
        }
    }

    @Test func `S7: the next chunk is on its way while this one is written, in both kinds`() async throws {
        try await withLoop { loop async throws in
            let source = Chunks(on: loop)
            let decorated = coroutine { co in
                var next = source.fetchNext()
                while let chunk = try await co.yield(next) {
                    next = source.fetchNext()  // Runs while the write below waits.
                    try await source.write(chunk)
                }
            }
            try await decorated.value
            let expected = ["fetch", "fetch", "write 2", "fetch", "write 1", "fetch", "write 0"]
            #expect(source.order.entries == expected)

            let other = Chunks(on: loop)
            func copyNative() async throws {
                var next = loop.spawn { try await other.next() }
                while let chunk = try await next.value {
                    next = loop.spawn { try await other.next() }
                    try await other.write(chunk)
                }
            }
            try await copyNative()
            #expect(other.order.entries.count == expected.count)
        }
    }

    @Test func `a yield is an expression: it may be the loop's condition`() async throws {
        try await withLoop { loop async throws in
            let source = Chunks(on: loop)
            let future = coroutine { co in
                var chunks: [Int] = []
                while let chunk = try await co.yield(source.fetchNext()) { chunks.append(chunk) }
                return chunks
            }
            #expect(try await future.value == [2, 1, 0])
        }
    }

    // MARK: "Running in the background"

    @Test
    func `S11: minute_loop has a period of 60 and the work's time; minute_loop2, which starts the clock first, of 60`()
        async throws
    {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let starts = Journal<Duration>()
            let begin = loop.now
            @Sendable func doSomething() async throws {
                starts.note(begin.duration(to: loop.now))
                try await loop.sleep(for: .seconds(7))
            }
            @Sendable func minuteLoop() async throws {
                for _ in 0..<3 {
                    try await doSomething()
                    try await loop.sleep(for: .seconds(60))
                }
            }
            @Sendable func minuteLoop2() async throws {
                for _ in 0..<3 {
                    let next = loop.sleep(.seconds(60))  // Start the clock.
                    try await doSomething()  // Run while the clock is ticking.
                    try await next.value  // Wait for the timer to run out.
                }
            }
            try await minuteLoop()
            #expect(starts.entries == [.seconds(0), .seconds(67), .seconds(134)])
            try await minuteLoop2()
            #expect(starts.entries.dropFirst(3) == [.seconds(201), .seconds(261), .seconds(321)])
            // And in generator style.
            try await coroutine { co in
                for _ in 0..<3 {
                    let next = loop.sleep(.seconds(60))
                    try await co.yield { try await doSomething() }
                    try await co.yield(next)
                }
            }.value
            #expect(starts.entries.dropFirst(6) == [.seconds(381), .seconds(441), .seconds(501)])
        }
    }
}
