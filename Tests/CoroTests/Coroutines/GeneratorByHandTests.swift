import Coro
import CoroTesting
import Testing

/// Stepping comfortably: `start`, `next`, `for … in`, and `yield(from:)`.
@Suite struct GeneratorByHandTests {
    private func countdown(from start: Int, failsAt failure: Int? = nil, _ notes: Journal<String> = Journal())
        -> Generator<Int, Void, Void>
    {
        Generator { yielder in
            defer { notes.note("cleaned") }
            for number in stride(from: start, to: 0, by: -1) {
                if number == failure { throw Oops("at \(number)") }
                try await yielder.yield(number)
            }
        }
    }

    @Test func `start begins the body without a value for a yield that is not there; a second start is refused`() throws
    {
        let generator = Generator<String, Int, Int> { yielder in try await yielder.yield("hello") * 2 }
        #expect(try generator.start().yielded == "hello")
        #expect(throws: GeneratorError.alreadyBegun) { try generator.start() }
        #expect(try generator.send(21).returned == 42)
        #expect(throws: GeneratorError.finished) { try generator.start() }
    }

    @Test func `next steps a generator that is sent nothing, from its beginning to its end`() throws {
        let generator = countdown(from: 2)
        #expect(try generator.next().yielded == 2)
        #expect(try generator.next().yielded == 1)
        guard case .returned = try generator.next() else { return #expect(Bool(false)) }
        #expect(throws: GeneratorError.finished) { try generator.next() }
    }

    @Test func `for in goes through what is yielded`() throws {
        var seen: [Int] = []
        for number in countdown(from: 3).results { seen.append(try number.get()) }
        #expect(seen == [3, 2, 1])
        #expect(try countdown(from: 4).results.map { try $0.get() } == [4, 3, 2, 1])
        #expect(countdown(from: 0).results.map { _ in 1 } == [])
    }

    @Test func `for in meets the body's failure as its last element, where it cannot be overlooked`() {
        let generator = countdown(from: 3, failsAt: 1)
        var seen: [Int] = []
        #expect(throws: Oops("at 1")) {
            for number in generator.results { seen.append(try number.get()) }
        }
        #expect(seen == [3, 2])
        #expect(generator.isFinished)
        var after = generator.results
        #expect(after.next() == nil)
    }

    @Test func `a loop that is left early leaves the generator where it is, and dropping it runs its clean-up`() throws
    {
        let notes = Journal<String>()
        do {
            let generator = countdown(from: 5, notes)
            for number in generator.results { if try number.get() == 4 { break } }
            #expect(notes.entries.isEmpty)
            #expect(try generator.next().yielded == 3)
        }
        #expect(notes.entries == ["cleaned"])
    }

    @Test func `a thrown error is swallowed, replaced or let through, again and again, across yields`() throws {
        let generator = Generator<String, Void, Void> { yielder in
            var caught = 0
            while true {
                do { try await yielder.yield("\(caught)") } catch is Oops {
                    caught += 1
                    if caught == 3 { throw Oops("replaced") }
                }
            }
        }
        _ = try generator.start()
        #expect(try generator.throw(Oops("1")).yielded == "1")
        #expect(try generator.next().yielded == "1")
        #expect(try generator.throw(Oops("2")).yielded == "2")
        #expect(throws: Oops("replaced")) { try generator.throw(Oops("3")) }
        let passes = countdown(from: 2)
        _ = try passes.start()
        #expect(throws: Oops("through")) { try passes.throw(Oops("through")) }
        #expect(passes.isFinished)
    }

    @Test func `dropped in the middle, generators that hold each other clean up from the outside in`() throws {
        let notes = Journal<String>()
        func outer() -> Generator<Int, Void, Void> {
            Generator { yielder in
                let inner = self.countdown(from: 3, notes)
                defer { notes.note("outer") }
                while case .yielded(let number) = try inner.next() { try await yielder.yield(number) }
            }
        }
        do {
            let generator = outer()
            _ = try generator.next()
        }
        #expect(notes.entries == ["outer", "cleaned"])
    }

    @Test func `yield from lets another generator run in the place, with its values, its errors and its result`() throws
    {
        let notes = Journal<String>()
        func inner(_ name: String) -> Generator<String, Int, Int> {
            Generator { yielder in
                var sum = 0
                do {
                    for step in 1...2 { sum += try await yielder.yield("\(name)\(step)") }
                } catch is Oops { notes.note("\(name) caught") }
                return sum
            }
        }
        let generator = Generator<String, Int, [Int]> { yielder in
            let before = try await yielder.yield("before")
            let first = try await yielder.yield(from: inner("a"))
            let second = try await yielder.yield(from: inner("b"))
            return [before, first, second]
        }
        #expect(try generator.start().yielded == "before")
        #expect(try generator.send(1).yielded == "a1")
        #expect(try generator.send(10).yielded == "a2")
        #expect(try generator.send(20).yielded == "b1")
        #expect(try generator.throw(Oops()).returned == [1, 30, 0])
        #expect(notes.entries == ["b caught"])
    }

    @Test func `yield from: what leaves the inner body is thrown in the outer one; closing ends the inner one first`()
        throws
    {
        let notes = Journal<String>()
        func outer(_ inner: Generator<Int, Void, Void>) -> Generator<Int, Void, String> {
            Generator { yielder in
                defer { notes.note("outer") }
                do { try await yielder.yield(from: inner) } catch let error as Oops { return error.name }
                return "nothing"
            }
        }
        let failing = outer(countdown(from: 2, failsAt: 1, notes))
        #expect(try failing.next().yielded == 2)
        #expect(try failing.next().returned == "at 1")
        let closed = outer(countdown(from: 2, notes))
        _ = try closed.next()
        closed.close()
        #expect(closed.isFinished)
        #expect(notes.entries == ["cleaned", "outer", "cleaned", "outer"])
        // One that ends at once yields nothing.
        #expect(try outer(countdown(from: 0)).next().returned == "nothing")
    }

    @Test func `yield from refuses a generator that has begun, has ended, or runs for somebody else`() throws {
        let begun = countdown(from: 3)
        _ = try begun.start()
        let ended = countdown(from: 0)
        _ = try ended.start()
        let shared = countdown(from: 3)
        let user = Generator<Int, Void, Void> { yielder in try await yielder.yield(from: shared) }
        _ = try user.start()
        // Nobody steps it but through the one that delegates.
        #expect(throws: GeneratorError.alreadyRunning) { try shared.next() }
        for (inner, error) in [(begun, GeneratorError.alreadyBegun), (ended, .finished), (shared, .alreadyRunning)] {
            let outer = Generator<Int, Void, Void> { yielder in try await yielder.yield(from: inner) }
            #expect(throws: error) { try outer.next() }
        }
        #expect(try user.next().yielded == 2)
    }

    @Test func `a yielder that outlives its body refuses, and so does a child task beside a yield`() async throws {
        let kept = Journal<Yielder<Int, Void>>()
        let generator = Generator<Int, Void, Void> { yielder in
            kept.note(yielder)
            async let child: Void = {
                await #expect(throws: GeneratorError.alreadyYielding) { try await yielder.yield(2) }
            }()
            try await yielder.yield(1)
            await child
        }
        #expect(try generator.next().yielded == 1)
        guard case .returned = try generator.next() else { return #expect(Bool(false)) }
        await #expect(throws: GeneratorError.finished) { try await kept.entries[0].yield(3) }
    }

    @Test func `what a body returns is let go of by the generator once it is given out`() throws {
        weak var gone: Held?
        let generator = Generator<Int, Void, Held> { _ in Held() }
        do {
            let held = try generator.next().returned
            gone = held
            #expect(gone != nil)
            _ = held
        }
        #expect(gone == nil)
    }
}
