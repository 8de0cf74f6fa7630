import CLoop
import Coro
import CoroTesting
import Testing

@testable import CoroTesting

@Suite struct SeededOrderTests {
    /// The order in which twenty tasks that are ready together take three turns each.
    private func turns(_ order: ReadyOrder) async throws -> [Int] {
        try await withLoop(order: order) { loop in
            let turns = Journal<Int>()
            let tasks = (0..<20).map { number in
                loop.spawn {
                    for _ in 0..<3 {
                        turns.note(number)
                        try await loop.moment()
                    }
                }
            }
            for task in tasks { try await task.value }
            return turns.entries
        }
    }

    @Test func `the generator gives the numbers of SplitMix64`() {
        var generator = SeededGenerator(seed: 1_234_567)
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
        #expect(generator.next() == 9_817_491_932_198_370_423)
    }

    @Test func `draws stay below their bound and reach all of it`() {
        var generator = SeededGenerator(seed: 7)
        #expect(Set((0..<200).map { _ in generator.next(below: 6) }) == Set(0..<6))
        #expect(generator.next(below: 1) == 0)
    }

    @Test func `a seed is read as decimal or hexadecimal`() {
        #expect(Seed.parse("42") == 42)
        #expect(Seed.parse("0xff") == 255)
        #expect(Seed.parse("18446744073709551615") == .max)
        #expect(Seed.parse("-1") == nil)
        #expect(Seed.parse("many") == nil)
    }

    @Test func `tasks take their turns in the order they came, unless another is asked for`() async throws {
        let arrival = try await turns(.ofArrival)
        #expect(arrival == Array(0..<20) + Array(0..<20) + Array(0..<20))
    }

    @Test func `the same seed gives the same order, another seed another`() async throws {
        let first = try await turns(.seeded(1))
        #expect(try await turns(.seeded(1)) == first)
        #expect(try await turns(.seeded(2)) != first)
        #expect(first != Array(0..<20) + Array(0..<20) + Array(0..<20))
        // Each still had its three turns.
        #expect(first.sorted() == (0..<60).map { $0 / 3 })
    }

    @Test func `callbacks keep their order, whatever the seed`() async throws {
        for seed in 0..<10 {
            try await withLoop(order: .seeded(UInt64(seed))) { loop in
                let order = Journal<Int>()
                for number in 0..<50 { loop.addCallback { order.note(number) } }
                for _ in 0..<3 { try await loop.moment() }
                #expect(order.entries == Array(0..<50))
            }
        }
    }

    @Test func `observers keep their order, whatever the seed`() async throws {
        for seed in 0..<10 {
            try await withLoop(order: .seeded(UInt64(seed))) { loop in
                let order = Journal<Int>()
                let promise = loop.promise(of: Void.self)
                for number in 0..<50 { promise.future.whenDone { _ in order.note(number) } }
                promise.trySucceed(())
                for _ in 0..<3 { try await loop.moment() }
                #expect(order.entries == Array(0..<50))
            }
        }
    }

    @Test func `timers that are due together fire in the order they were armed, whatever the seed`() async throws {
        for seed in 0..<10 {
            try await withLoop(clock: ManualClock(whenIdle: .jumps), order: .seeded(UInt64(seed))) { loop in
                let order = Journal<Int>()
                for number in 0..<50 { loop.callLater(.seconds(1)) { order.note(number) } }
                try await loop.sleep(for: .seconds(1))
                #expect(order.entries == Array(0..<50))
            }
        }
    }

    @Test func `no task's turn passes a callback that was added before or after it`() async throws {
        for seed in 0..<10 {
            try await withLoop(order: .seeded(UInt64(seed))) { loop in
                let order = Journal<String>()
                for round in 0..<5 {
                    for _ in 0..<4 { loop.spawn { order.note("task \(round)") } }
                    loop.addCallback { order.note("callback \(round)") }
                }
                for _ in 0..<10 { try await loop.moment() }
                let expected = (0..<5).flatMap { Array(repeating: "task \($0)", count: 4) + ["callback \($0)"] }
                #expect(order.entries == expected)
            }
        }
    }

    @Test func `descriptors that are ready together are served in another order`() async throws {
        @Sendable func served(_ order: ReadyOrder) async throws -> [Int] {
            try await withLoop(order: order) { loop in
                let pairs = (0..<10).map { _ in SocketPair() }
                let served = Journal<Int>()
                for (number, pair) in pairs.enumerated() {
                    pair.send("x", to: \.left)
                    try loop.addHandler(pair.left, interest: .readable) { _ in
                        served.note(number)
                        loop.removeHandler(pair.left)
                    }
                }
                for _ in 0..<20 { try await loop.moment() }
                return served.entries
            }
        }
        let first = try await served(.seeded(1))
        #expect(first.sorted() == Array(0..<10))
        #expect(first != Array(0..<10))
        #expect(try await served(.seeded(1)) == first)
        #expect(try await served(.seeded(2)) != first)
    }

    // MARK: A failure names its seed

    @Test func `what the body throws names the seed and is still there`() async throws {
        let failure = await #expect(throws: SeededFailure.self) {
            try await withLoop(order: .seeded(42)) { _ in throw Oops("seeded") }
        }
        #expect(failure?.failure as? Oops == Oops("seeded"))
        #expect(failure?.chances == ["ready work was shuffled, from seed 42"])
        #expect(failure?.description.contains("from seed 42") == true)
    }

    @Test func `an expectation that fails inside names the seed`() async throws {
        let comments = Journal<String>()
        try await catchingIssues(comments) {
            try await withLoop(order: .seeded(42)) { loop in
                try await loop.moment()
                Issue.record("on purpose")
            }
        }
        #expect(comments.entries == ["on purpose", "ready work was shuffled, from seed 42"])
    }

    @Test func `a failure under drawn faults names the seed, the process's with what repeats it`() async throws {
        let failure = await #expect(throws: SeededFailure.self) {
            try await withLoop { loop in
                let pair = try StreamPair(on: loop)
                pair.left.inject(.seeded())
                pair.right.inject(.seeded(7))
                throw Oops("drawn")
            }
        }
        #expect(
            failure?.chances == [
                "a stream's faults were drawn, CORO_SEED=\(Seed.ofProcess) repeats it",
                "a stream's faults were drawn, from seed 7",
            ])
    }

    @Test func `without a seed of its own a test goes by the one of the process`() {
        #expect(ReadyOrder.seeded().seed == Seed.ofProcess)
        #expect(ReadyOrder.seeded(3).seed == 3)
        #expect(ReadyOrder.ofArrival.seed == nil)
    }
}

/// Runs `body`, and notes the comments of the issues inside instead of failing.
func catchingIssues(_ comments: Journal<String>, _ body: @escaping @Sendable () async throws -> Void) async throws {
    let trait: IssueHandlingTrait = .compactMapIssues { issue in
        for comment in issue.comments { comments.note(comment.rawValue) }
        return nil
    }
    let test = try #require(Test.current)
    try await trait.provideScope(for: test, testCase: Test.Case.current, performing: body)
}
