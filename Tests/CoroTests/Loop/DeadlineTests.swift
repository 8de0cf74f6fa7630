import Coro
import CoroTesting
import Testing

@Suite struct DeadlineTests {
    @Test func `case 13: expiry throws TimeoutError with the default message, at the deadline`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            do {
                try await loop.withTimeout(.seconds(3)) { try await loop.sleep(for: .seconds(10)) }
                Issue.record("the timeout did not throw")
            } catch let error as TimeoutError {
                #expect(error == TimeoutError("Timeout"))
                #expect("\(error)" == "Timeout")
            }
            #expect(loop.now.nanoseconds == 3_000_000_000)
        }
    }

    @Test
    func
        `case 13: the message may be given, is computed at the deadline only, and is that of the deadline that counts`()
        async throws
    {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let computed = Journal<String>()
            @Sendable func message(_ text: String) -> String {
                computed.note(text)
                return text
            }
            try await loop.withTimeout(.seconds(3), message("in time")) { try await loop.sleep(for: .seconds(1)) }
            #expect(computed.entries.isEmpty)
            await #expect(throws: TimeoutError("inner")) {
                try await loop.withTimeout(.seconds(9), message("outer")) {
                    try await loop.withTimeout(.seconds(1), message("inner")) {
                        try await loop.sleep(for: .seconds(99))
                    }
                }
            }
            await #expect(throws: TimeoutError("outer")) {
                try await loop.withTimeout(.seconds(1), message("outer")) {
                    try await loop.withTimeout(.seconds(9), message("inner")) {
                        try await loop.sleep(for: .seconds(99))
                    }
                }
            }
            #expect(computed.entries == ["inner", "outer"])
        }
    }

    @Test func `case 14: a value, failure or cancellation before the deadline passes through unchanged`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let value = try await loop.withTimeout(.seconds(3)) {
                try await loop.sleep(for: .seconds(1))
                return 1
            }
            #expect(value == 1)
            await #expect(throws: Oops("early")) {
                try await loop.withTimeout(.seconds(3)) {
                    try await Future<Int>(on: loop, .failed(Oops("early"))).value
                }
            }
            await #expect(throws: CancellationError.self) {
                try await loop.withTimeout(.seconds(3)) { try await Future<Int>(on: loop, .cancelled).value }
            }
        }
    }

    @Test func `what is done already has its value, though the deadline has passed`() async throws {
        try await withLoop { loop async throws in
            let value = try await loop.withDeadline(LoopInstant(nanoseconds: 0)) {
                try await Future(on: loop, .finished(1)).value
            }
            #expect(value == 1)
        }
    }

    @Test func `a wait that timed out has not happened: the future is still there to be awaited`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let promise = loop.promise(of: Int.self)
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { try await promise.future.value }
            }
            #expect(!promise.future.isDone)
            promise.trySucceed(5)
            #expect(try await promise.future.value == 5)
        }
    }

    @Test(arguments: [(outer: 2, inner: 5), (outer: 5, inner: 2)])
    func `deadlines nest and the earliest counts`(spans: (outer: Int, inner: Int)) async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(spans.outer)) {
                    try await loop.withTimeout(.seconds(spans.inner)) { try await loop.sleep(for: .seconds(100)) }
                }
            }
            #expect(loop.now.nanoseconds == 2_000_000_000)
        }
    }

    @Test func `one deadline covers several waits`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let rounds = Journal<Void>()
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(10)) {
                    while true {
                        try await loop.sleep(for: .seconds(3))
                        rounds.note(())
                    }
                }
            }
            #expect(rounds.entries.count == 3)
        }
    }

    @Test func `after the deadline's scope waits are free again`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            _ = try? await loop.withTimeout(.seconds(1)) { try await loop.sleep(for: .seconds(5)) }
            try await loop.sleep(for: .seconds(5))
            #expect(loop.now.nanoseconds == 6_000_000_000)
        }
    }

    @Test func `a task past its deadline that keeps taking moments is told`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.zero) { while true { try await loop.moment() } }
            }
        }
    }
}
