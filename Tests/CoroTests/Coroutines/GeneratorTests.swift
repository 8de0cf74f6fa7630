import Coro
import CoroTesting
import Testing

enum Trace { @TaskLocal static var name = "none" }

@Suite struct GeneratorTests {
    /// Yields 0, 1, 2 …, adding what is sent, and returns the sum when a negative number comes.
    private func adder() -> Generator<Int, Int, Int> {
        Generator { yielder in
            var sum = 0
            while true {
                let sent = try await yielder.yield(sum)
                if sent < 0 { return sum }
                sum += sent
            }
        }
    }

    @Test func `values go out and in, step by step, until the body returns`() throws {
        let generator = adder()
        #expect(try generator.send(0).yielded == 0)
        #expect(try generator.send(3).yielded == 3)
        #expect(try generator.send(4).yielded == 7)
        #expect(!generator.isFinished)
        #expect(try generator.send(-1).returned == 7)
        #expect(generator.isFinished)
        #expect(throws: GeneratorError.finished) { try generator.send(1) }
        #expect(throws: GeneratorError.finished) { try generator.throw(Oops()) }
    }

    @Test func `nothing of the body runs before the first send, and all of it on the caller's thread`() async throws {
        let threads = Journal<UInt>()
        let generator = Generator<Int, Void, Void> { yielder in
            threads.note(thisThread())
            try await yielder.yield(1)
            threads.note(thisThread())
        }
        #expect(threads.entries.isEmpty)
        _ = try generator.send(())
        #expect(threads.entries == [thisThread()])
        let other = try await onOwnThread {
            _ = try generator.send(())
            return thisThread()
        }
        #expect(threads.entries.last == other)
    }

    @Test func `a thrown error arrives at the yield, where the body may catch it and go on`() throws {
        let generator = Generator<String, Void, String> { yielder in
            do {
                try await yielder.yield("first")
            } catch let error as Oops {
                try await yielder.yield("caught \(error.name)")
            }
            return "end"
        }
        #expect(try generator.send(()).yielded == "first")
        #expect(try generator.throw(Oops("it")).yielded == "caught it")
        #expect(try generator.send(()).returned == "end")
    }

    @Test func `an error that leaves the body comes out of the step`() throws {
        let generator = Generator<Int, Void, Void> { yielder in
            try await yielder.yield(1)
            throw Oops("out")
        }
        _ = try generator.send(())
        #expect(throws: Oops("out")) { try generator.send(()) }
        #expect(generator.isFinished)
    }

    @Test func `a throw before the first step ends the body before it begins`() throws {
        let generator = Generator<Int, Void, Void> { _ in Issue.record("the body began") }
        #expect(throws: Oops("early")) { try generator.throw(Oops("early")) }
        #expect(generator.isFinished)
    }

    @Test func `closing runs the clean-up, once, and does nothing at the end`() throws {
        let notes = Journal<String>()
        let generator = Generator<Int, Void, Void> { yielder in
            defer { notes.note("cleaned") }
            do { try await yielder.yield(1) } catch {
                notes.note("\(type(of: error))")
                throw error
            }
        }
        _ = try generator.send(())
        generator.close()
        generator.close()
        #expect(notes.entries == ["GeneratorClosed", "cleaned"])
        #expect(generator.isFinished)
    }

    @Test func `dropping a suspended generator closes it; one never begun just goes`() throws {
        let notes = Journal<String>()
        func drop(begun: Bool) throws {
            let generator = Generator<Int, Void, Void> { yielder in
                defer { notes.note("cleaned") }
                try await yielder.yield(1)
            }
            if begun { _ = try generator.send(()) }
        }
        try drop(begun: false)
        #expect(notes.entries == [])
        try drop(begun: true)
        #expect(notes.entries == ["cleaned"])
    }

    @Test func `a body that answers every close with a yield is given up`() throws {
        let rounds = Journal<Void>()
        let generator = Generator<Int, Void, Void> { yielder in
            // Endless but for the test, which ends it afterwards.
            while rounds.entries.count < 5_000 {
                do { try await yielder.yield(1) } catch { rounds.note(()) }
            }
        }
        _ = try generator.send(())
        generator.close()
        #expect(!generator.isFinished)
        #expect(rounds.entries.count == 1_000)
    }

    @Test func `a body cannot step itself, and two threads cannot step at once`() async throws {
        let journal = Journal<Generator<Int, Void, Void>>()
        let generator = Generator<Int, Void, Void> { yielder in
            let itself = journal.entries[0]
            #expect(throws: GeneratorError.alreadyRunning) { try itself.send(()) }
            journal.entries[0].close()
            try await yielder.yield(1)
        }
        journal.note(generator)
        #expect(try generator.send(()).yielded == 1)

        let counter = Generator<Int, Void, Void> { yielder in
            var number = 0
            while true {
                number += 1
                try await yielder.yield(number)
            }
        }
        let seen = Journal<Int>()
        @Sendable func count() throws {
            for _ in 0..<5_000 {
                do {
                    if let number = try counter.send(()).yielded { seen.note(number) }
                } catch GeneratorError.alreadyRunning {}
            }
        }
        async let one: Void = onOwnThread { try count() }
        async let two: Void = onOwnThread { try count() }
        _ = try await (one, two)
        // Whatever was refused, no step was done twice or lost.
        #expect(seen.entries.sorted() == Array(1...seen.entries.count))
        _ = try? generator.send(())
    }

    @Test func `a body that awaits something native is refused to a hand-driven generator`() throws {
        let loop = try EventLoop()
        let generator = Generator<Int, Void, Void> { _ in try await loop.sleep(for: .seconds(3600)) }
        #expect(throws: GeneratorError.awaiting) { try generator.send(()) }
        try loop.close()
    }

    @Test func `task-local values of the place of making flow in and stay across yields`() throws {
        let generator = Trace.$name.withValue("maker") {
            Generator<String, Void, Void> { yielder in
                try await yielder.yield(Trace.name)
                try await Trace.$name.withValue("inner") { try await yielder.yield(Trace.name) }
                try await yielder.yield(Trace.name)
            }
        }
        try Trace.$name.withValue("sender") {
            let (first, second) = (try generator.send(()).yielded, try generator.send(()).yielded)
            #expect(first == "maker")
            #expect(second == "inner")
            #expect(Trace.name == "sender")
            let third = try generator.send(()).yielded
            #expect(third == "maker")
        }
    }

    @Test func `generators nest on the stack`() throws {
        func nested(_ depth: Int) -> Generator<Int, Void, Int> {
            Generator { yielder in
                if depth == 0 { return 0 }
                let inner = nested(depth - 1)
                while true {
                    switch try inner.send(()) {
                    case .yielded(let value): try await yielder.yield(value)
                    case .returned(let value): return value + 1
                    }
                }
            }
        }
        #expect(try nested(100).send(()).returned == 100)
    }

    @Test func `two hundred thousand steps leave nothing behind on the stack`() throws {
        let generator = adder()
        _ = try generator.send(0)
        for _ in 0..<200_000 { _ = try generator.send(1) }
        #expect(try generator.send(-1).returned == 200_000)
    }
}

extension Generator.Step {
    var yielded: Yielded? { if case .yielded(let value) = self { value } else { nil } }
    var returned: Returned? { if case .returned(let value) = self { value } else { nil } }
}
