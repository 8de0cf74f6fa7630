import Coro
import CoroTesting
import Testing

/// The fixture must fail when it should: each test leaves something behind on purpose.
@Suite struct LoopFixtureTests {
    private func failure(_ body: () async throws -> Void) async -> LoopTestError? {
        await #expect(throws: LoopTestError.self) { try await body() }
    }

    @Test func `a task left asleep fails the test and is named, with its place and what it waits for`() async throws {
        let place = SourcePlace(line: #line + 3)
        let found = await failure {
            try await withLoop(clock: ManualClock()) { loop in
                _ = loop.spawn(name: "forgotten") { try await loop.sleep(for: .seconds(3600)) }
            }
        }
        guard case .leftBehind(let tasks, let descriptors) = found else { return }
        #expect(tasks.count == 1)
        #expect(tasks.first?.hasSuffix(" forgotten: sleeping, spawned at \(place)") == true)
        #expect(descriptors.isEmpty)
    }

    @Test func `a coroutine left asleep fails the test`() async throws {
        let found = await failure {
            try await withLoop(clock: ManualClock()) { loop in
                _ = loop.coroutine { co in try await co.yield(loop.sleep(.seconds(3600))) }
            }
        }
        guard case .leftBehind(let tasks, _) = found else { return }
        #expect(tasks.count == 1)
        #expect(tasks.first?.hasPrefix("coroutine: yielding") == true)
    }

    @Test func `a task that the body cancels as its last act has its end`() async throws {
        let notes = Journal<String>()
        try await withLoop { loop in
            let task = loop.spawn {
                defer { notes.note("clean-up") }
                try await loop.sleep(for: .seconds(3600))
            }
            try await loop.moment()
            task.cancel()
        }
        #expect(notes.entries == ["clean-up"])
    }

    @Test func `a task that ends with its connection has its end`() async throws {
        try await withLoop { loop in
            let pair = try StreamPair(on: loop)
            let right = pair.right
            loop.spawn { while try await right.read() != nil {} }
            try await loop.moment()
            pair.left.close()
        }
    }

    @Test func `leaving tasks may be allowed`() async throws {
        try await withLoop(allowing: .tasks) { loop in
            _ = loop.spawn { try await loop.sleep(for: .seconds(3600)) }
        }
    }

    @Test func `a stream that somebody still holds fails the test`() async throws {
        let held = Journal<ByteStream>()
        let found = await failure {
            try await withLoop { loop in
                let pair = try StreamPair(on: loop)
                held.note(pair.left)
            }
        }
        guard case .leftBehind(let tasks, let descriptors) = found else { return }
        #expect(tasks.isEmpty)
        #expect(descriptors.count == 1)
        #expect(descriptors.first?.hasSuffix("a byte stream") == true)
    }

    @Test func `a handler that was not removed fails the test`() async throws {
        let pair = SocketPair()
        let found = await failure {
            try await withLoop { loop in
                try loop.addHandler(pair.left, interest: .readable) { _ in }
            }
        }
        #expect(found == .leftBehind(tasks: [], descriptors: ["descriptor \(pair.left), a handler"]))
    }

    @Test func `a failure that goes to nobody fails the test`() async throws {
        let found = await failure {
            try await withLoop { loop in
                loop.addCallback { throw Oops("of the fixture, to nobody") }
                try await loop.moment()
            }
        }
        guard case .reported(let lines) = found else { return }
        #expect(lines.count == 1)
        #expect(lines.first?.contains("to nobody") == true)
    }

    @Test func `a task's failure that nobody looked at fails the test`() async throws {
        let found = await failure {
            try await withLoop { loop in
                loop.spawn { throw Oops("nobody looked") }
                for _ in 0..<3 { try await loop.moment() }
            }
        }
        guard case .reported(let lines) = found else { return }
        #expect(lines.first?.contains("nobody looked") == true)
    }

    @Test func `a failure that a recorder waits for is in order, one of another loop does not count`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("expected") }
        let other = ReportRecorder { $0.error as? Oops == Oops("of another loop") }
        try await withLoop { loop in
            loop.addCallback { throw Oops("expected") }
            try await loop.moment()
            try await withLoop(allowing: .reports) { inner in
                inner.addCallback { throw Oops("of another loop") }
                try await inner.moment()
                let mine = ObjectIdentifier(inner)
                #expect(other.failures.map(\.loop) == [mine])
            }
        }
        #expect(recorder.failures.count == 1)
    }

    @Test func `a loop that something still holds fails the test`() async throws {
        let held = Journal<EventLoop>()
        let found = await failure { try await withLoop { held.note($0) } }
        #expect(found == .leaked)
        try await withLoop(allowing: .loop) { held.note($0) }
    }

    @Test func `the body's own failure comes before what the fixture finds`() async throws {
        await #expect(throws: Oops("own")) {
            try await withLoop(clock: ManualClock()) { loop in
                loop.spawn { try await loop.sleep(for: .seconds(3600)) }
                throw Oops("own")
            }
        }
    }

    @Test func `case 112: a body that hangs is given up, and the error says who waits for what`() async throws {
        let place = SourcePlace(line: #line + 2)
        let found = await failure {
            try await withLoop(clock: ManualClock(), seconds: 0) { loop in
                let never = loop.promise(of: Void.self)
                let pair = try StreamPair(on: loop)
                let right = pair.right
                let reader = loop.spawn(name: "reader") { _ = try await right.read() }
                try await loop.moment()
                try await loop.withTimeout(.seconds(3600)) { try await never.future.value }
                try await reader.value
            }
        }
        guard case .hung(let seconds, let tasks) = found else { return }
        #expect(seconds == 0)
        let ends = [
            " body: waiting for a future, at \(SourcePlace(line: place.line + 1)), spawned at \(place)",
            " reader: reading, spawned at \(SourcePlace(line: place.line + 4))",
        ]
        #expect(tasks.count == ends.count)
        for (task, end) in zip(tasks, ends) { #expect(task.contains(end)) }
    }

    @Test func `a body that blocks its thread is given up too`() async throws {
        let gate = Gate()
        let found = await failure {
            try await withLoop(seconds: 0) { _ in gate.wait() }
        }
        #expect(found == .blocked(seconds: 0, activity: "blocked in a call that waits"))
        gate.open()
    }

    @Test func `a body that stops its own loop ends with that`() async throws {
        await #expect(throws: LoopError.stoppedBeforeCompletion) {
            try await withLoop(clock: ManualClock()) { loop in
                loop.stop()
                try await loop.sleep(for: .seconds(3600))
            }
        }
    }
}
