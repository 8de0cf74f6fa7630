import Coro
import CoroTesting
import Testing

@Suite struct InterleavingTests {
    @Test func `S6: arrays and dictionaries are yielded or gathered, and take as long as the longest`()
        async throws
    {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            @Sendable func after(_ seconds: Int) -> Future<Int> { loop.sleep(.seconds(seconds)).map { seconds } }
            let yielded = try await loop.coroutine { co in
                let list = try await co.yield([after(3), after(1), after(2)])
                let byName = try await co.yield(["one": after(1), "four": after(4)])
                return (list, byName)
            }.value
            #expect(yielded.0 == [3, 1, 2])
            #expect(yielded.1 == ["one": 1, "four": 4])
            #expect(loop.now.nanoseconds == 7_000_000_000)
            #expect(try await loop.gathered([after(3), after(1), after(2)]) == [3, 1, 2])
            #expect(try await loop.gathered(["one": after(1), "four": after(4)]) == ["one": 1, "four": 4])
            #expect(loop.now.nanoseconds == 14_000_000_000)
        }
    }

    @Test func `S7: a coroutine has begun when its call returns, spawned native work one turn later`()
        async throws
    {
        try await withLoop { loop async throws in
            let begun = Journal<String>()
            let generator = loop.coroutine { co in
                begun.note("generator")
                try await co.yield()
            }
            #expect(begun.entries == ["generator"])
            let native = loop.spawn { begun.note("native") }
            #expect(begun.entries == ["generator"])
            try await loop.moment()
            #expect(begun.entries == ["generator", "native"])
            try await native.value
            try await generator.value
        }
    }

    @Test func `S7: native work that was spawned and saved goes on while something else is awaited`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            var saved = loop.future { try await chunk(0, on: loop) }
            var read: [Int] = []
            for number in 1...4 {
                let present = try await saved.value
                // The next is under way while this one is written.
                saved = loop.future { try await chunk(number, on: loop) }
                try await loop.sleep(for: .seconds(3))
                read.append(present)
            }
            #expect(read == [0, 1, 2, 3])
            // The first read of 2 s, then four writes of 3 s with a read beside each; one after the other it were 22.
            #expect(loop.now.nanoseconds == 14_000_000_000)
            saved.cancel()
        }
    }

    @Test func `S11: work and sleep in turn have the period of both; a sleep that was begun first has its own`()
        async throws
    {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            var starts: [Int64] = []
            for _ in 0..<3 {
                starts.append(loop.now.nanoseconds / 1_000_000_000)
                try await loop.sleep(for: .seconds(5))
                try await loop.sleep(for: .seconds(60))
            }
            for _ in 0..<3 {
                let minute = loop.sleep(.seconds(60))
                starts.append(loop.now.nanoseconds / 1_000_000_000)
                try await loop.sleep(for: .seconds(5))
                try await minute.value
            }
            #expect(starts == [0, 65, 130, 195, 255, 315])
        }
    }
}

private func chunk(_ number: Int, on loop: EventLoop) async throws -> Int {
    try await loop.sleep(for: .seconds(2))
    return number
}
