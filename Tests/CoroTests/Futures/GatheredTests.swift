@testable import Coro
import CoroTesting
import Testing

@Suite struct GatheredTests {
    @Test func `S6: native code gathers arrays, dictionaries and tuples in their shape and order`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: String.self) }
            loop.addCallback { for index in [2, 0, 1] { promises[index].trySucceed("\(index)") } }
            #expect(try await loop.gathered(promises.map(\.future)) == ["0", "1", "2"])
            #expect(try await loop.gathered(["a": loop.future { 1 }, "b": loop.future { 2 }]) == ["a": 1, "b": 2])
            let (number, text) = try await loop.gathered(loop.future { 1 }, loop.future { "two" })
            #expect(number == 1)
            #expect(text == "two")
            #expect(try await loop.gathered([Future<Int>]()) == [])
        }
    }

    @Test func `the first failure in time is thrown at once, and the others are cancelled`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            loop.addCallback { promises[2].tryFail(Oops("first in time")) }
            await #expect(throws: Oops("first in time")) { try await loop.gathered(promises.map(\.future)) }
            #expect(promises[0].future.isCancelled)
            #expect(promises[1].future.isCancelled)
        }
    }

    @Test func `cancelling the task that awaits cancels the futures, and so does its deadline`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let promises = (0..<4).map { _ in loop.promise(of: Int.self) }
            let task = loop.spawn { try await loop.gathered([promises[0].future, promises[1].future]) }
            try await loop.moment()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) {
                    try await loop.gathered(promises[2].future, promises[3].future)
                }
            }
            #expect(promises.allSatisfy { $0.future.isCancelled })
        }
    }
}
