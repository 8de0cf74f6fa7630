@testable import Coro
import CoroTesting
import Testing

@Suite struct FutureObservingTests {
    @Test func `flatMap waits for the future that the value leads to; failures of either and cancellation pass`()
        async throws
    {
        try await withLoop { loop async throws in
            let two = Future(on: loop, .finished(2))
            #expect(try await two.flatMap { number in loop.future { number * 21 } }.value == 42)
            await #expect(throws: Oops("in")) {
                try await Future<Int>(on: loop, .failed(Oops("in"))).flatMap { Future(on: loop, .finished($0)) }.value
            }
            await #expect(throws: Oops("thrown")) {
                try await two.flatMap { _ -> Future<Int> in throw Oops("thrown") }.value
            }
            await #expect(throws: Oops("inner")) {
                try await two.flatMap { _ in Future<Int>(on: loop, .failed(Oops("inner"))) }.value
            }
        }
    }

    @Test func `cancelling a flatMap cancels whichever of the two is under way`() async throws {
        try await withLoop { loop async throws in
            let (first, second) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
            let early = first.future.flatMap { _ in second.future }
            early.cancel()
            #expect(first.future.isCancelled)
            #expect(!second.future.isDone)
            let late = Future(on: loop, .finished(1)).flatMap { _ in second.future }
            try await loop.moment()
            late.cancel()
            #expect(second.future.isCancelled)
        }
    }

    @Test func `recover makes a value of a failure, or another failure; values and cancellation pass`() async throws {
        try await withLoop { loop async throws in
            let failed = Future<Int>(on: loop, .failed(Oops("lost")))
            #expect(try await failed.recover { ($0 as? Oops)?.name.count ?? 0 }.value == 4)
            await #expect(throws: Oops("worse")) { try await failed.recover { _ in throw Oops("worse") }.value }
            #expect(try await Future(on: loop, .finished(1)).recover { _ in 2 }.value == 1)
            let cancelled = Future<Int>(on: loop, .cancelled).recover { _ in 2 }
            try await loop.moment()
            #expect(cancelled.isCancelled)
        }
    }

    @Test func `mapFailure names a failure anew; values and cancellation pass`() async throws {
        try await withLoop { loop async throws in
            await #expect(throws: TimeoutError("low: Oops(name: \"low\")")) {
                try await Future<Int>(on: loop, .failed(Oops("low"))).mapFailure { TimeoutError("low: \($0)") }.value
            }
            #expect(try await Future(on: loop, .finished(1)).mapFailure { _ in Oops() }.value == 1)
            let cancelled = Future<Int>(on: loop, .cancelled).mapFailure { _ in Oops() }
            try await loop.moment()
            #expect(cancelled.isCancelled)
        }
    }

    @Test func `always runs once with whatever outcome, before those who wait for its result`() async throws {
        try await withLoop { loop async throws in
            let seen = Journal<String>()
            for outcome in [Outcome<Int>.finished(1), .failed(Oops("end")), .cancelled] {
                let promise = loop.promise(of: Int.self)
                let future = promise.future.always { seen.note("\($0)") }
                future.whenDone { done in seen.note("then \(done.result!)") }
                promise.tryComplete(outcome)
                _ = try? await future.value
                try await loop.moment()
                #expect(seen.entries.suffix(2) == ["\(outcome)", "then \(outcome)"])
            }
            let promise = loop.promise(of: Int.self)
            let future = promise.future.always { seen.note("cleaned up after \($0)") }
            future.cancel()
            try await loop.moment()
            #expect(promise.future.isCancelled)
            #expect(seen.entries.last == "cleaned up after cancelled")
            #expect(seen.entries.count == 7)
        }
    }
}
