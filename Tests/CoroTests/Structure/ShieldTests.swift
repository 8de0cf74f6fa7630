import Coro
import CoroTesting
import Testing

@Suite struct ShieldTests {
    @Test func `a shielded wait goes on though the task was cancelled, and the next one throws`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let notes = Journal<String>()
            let task = loop.spawn {
                await #expect(throws: CancellationError.self) { try await loop.sleep(for: .seconds(100)) }
                try await loop.shielded(for: .seconds(5)) {
                    try await loop.sleep(for: .seconds(1))
                    notes.note("said goodbye")
                }
                await #expect(throws: CancellationError.self) { try await loop.sleep(for: .seconds(1)) }
            }
            try await loop.moment()
            task.cancel()
            try await task.value
            #expect(notes.entries == ["said goodbye"])
            #expect(loop.now.nanoseconds == 1_000_000_000)
        }
    }

    @Test func `a cancel that comes during a shielded wait does not end it`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let task = loop.spawn {
                try await loop.shielded(for: .seconds(5)) { try await loop.sleep(for: .seconds(3)) }
                await #expect(throws: CancellationError.self) { try await loop.moment() }
            }
            try await loop.sleep(for: .seconds(1))
            task.cancel()
            try await task.value
            #expect(loop.now.nanoseconds == 3_000_000_000)
        }
    }

    @Test func `the budget ends a clean-up that hangs`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            await #expect(throws: TimeoutError.self) {
                try await loop.shielded(for: .seconds(2)) { try await loop.sleep(for: .seconds(100)) }
            }
            #expect(loop.now.nanoseconds == 2_000_000_000)
        }
    }

    @Test func `a deadline outside does not reach in, one inside counts`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            try await loop.withTimeout(.zero) {
                try await loop.shielded(for: .seconds(9)) { try await loop.sleep(for: .seconds(1)) }
            }
            await #expect(throws: TimeoutError.self) {
                try await loop.shielded(for: .seconds(9)) {
                    try await loop.withTimeout(.seconds(1)) { try await loop.sleep(for: .seconds(5)) }
                }
            }
            #expect(loop.now.nanoseconds == 2_000_000_000)
        }
    }

    @Test func `child tasks inside a shield are shielded too`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let task = loop.spawn {
                try await loop.shielded(for: .seconds(9)) {
                    async let nap: Void = loop.sleep(for: .seconds(3))
                    try await nap
                }
            }
            try await loop.sleep(for: .seconds(1))
            task.cancel()
            try await task.value
            #expect(loop.now.nanoseconds == 3_000_000_000)
        }
    }

    @Test func `inside a cancelled scope a shield keeps its waits, until its end`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            await #expect(throws: Oops("scope")) {
                try await loop.withScope { scope in
                    scope.spawn {
                        try await loop.sleep(for: .seconds(1))
                        throw Oops("scope")
                    }
                    try await loop.shielded(for: .seconds(9)) { try await loop.sleep(for: .seconds(3)) }
                    await #expect(throws: CancellationError.self) { try await loop.moment() }
                }
            }
            #expect(loop.now.nanoseconds == 3_000_000_000)
        }
    }
}
