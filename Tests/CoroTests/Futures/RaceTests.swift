import Coro
import CoroTesting
import Testing

@Suite struct RaceTests {
    @Test func `the first future to be done decides, and the others are cancelled`() async throws {
        try await withLoop { loop async throws in
            let stopped = Journal<Int>()
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            for (index, promise) in promises.enumerated() { promise.onCancel { stopped.note(index) } }
            let race = loop.firstOf(promises.map(\.future))
            promises[1].trySucceed(7)
            #expect(try await race.value == 7)
            #expect(stopped.entries == [0, 2])
        }
    }

    @Test func `the first to be done decides also when it has failed, or was cancelled by somebody`() async throws {
        try await withLoop { loop async throws in
            let failing = (0..<2).map { _ in loop.promise(of: Int.self) }
            let race = loop.firstOf(failing.map(\.future))
            failing[1].tryFail(Oops("fast"))
            await #expect(throws: Oops("fast")) { try await race.value }
            #expect(failing[0].future.isCancelled)

            let cancelled = (0..<2).map { _ in loop.promise(of: Int.self) }
            let lost = loop.firstOf(cancelled.map(\.future))
            cancelled[0].future.cancel()
            await #expect(throws: CancellationError.self) { try await lost.value }
            #expect(!lost.isCancelled, "nobody asked the race to end")
        }
    }

    @Test func `of several that are done already the first by position wins`() async throws {
        try await withLoop { loop async throws in
            let pending = loop.promise(of: Int.self)
            let race = loop.firstOf([pending.future, Future(on: loop, .finished(2)), Future(on: loop, .finished(3))])
            #expect(try race.get() == 2)
            #expect(pending.future.isCancelled)
        }
    }

    @Test func `losers that are left run on, and belong to whoever has them`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<2).map { _ in loop.promise(of: Int.self) }
            let race = loop.firstOf(promises.map(\.future), cancelRest: false)
            promises[0].trySucceed(1)
            #expect(try await race.value == 1)
            #expect(!promises[1].future.isDone)
            promises[1].trySucceed(2)
            #expect(try await promises[1].future.value == 2)

            let other = loop.promise(of: Int.self)
            loop.firstOf([other.future], cancelRest: false).cancel()
            #expect(!other.future.isDone)
            other.trySucceed(3)
        }
    }

    @Test func `a loser that was cancelled is never reported; one that was left is, when it fails, unless it is quiet`()
        async throws
    {
        let recorder = ReportRecorder { ($0.error as? Oops)?.name.hasPrefix("loser") == true }
        try await withLoop { loop async throws in
            for name in ["loser cancelled", "loser left", "loser quiet"] {
                let promises = (0..<2).map { _ in loop.promise(of: Int.self) }
                let race = loop.firstOf(
                    promises.map(\.future), cancelRest: name == "loser cancelled",
                    quiet: name == "loser quiet" ? [Oops.self] : [])
                promises[0].trySucceed(1)
                promises[1].tryFail(Oops(name))
                #expect(try await race.value == 1)
            }
            // Failed before the race was decided: a moment slower, and it would have been cancelled.
            _ = try await loop.firstOf([
                Future(on: loop, .finished(1)), Future<Int>(on: loop, .failed(Oops("loser same moment"))),
            ]).value
        }
        #expect(recorder.failures.map { $0.error as? Oops } == [Oops("loser left")])
    }

    @Test func `cancelling a race cancels all who run in it`() async throws {
        try await withLoop { loop async throws in
            for successOnly in [false, true] {
                let promises = (0..<2).map { _ in loop.promise(of: Int.self) }
                let futures = promises.map(\.future)
                let race = successOnly ? loop.firstSuccess(futures) : loop.firstOf(futures)
                race.cancel()
                #expect(race.isCancelled)
                #expect(promises.allSatisfy { $0.future.isCancelled })
            }
        }
    }

    @Test func `a race of nobody fails with an error that says so`() async throws {
        try await withLoop { loop async throws in
            #expect(throws: EmptyRaceError()) { try loop.firstOf([Future<Int>]()).get() }
            #expect(throws: EmptyRaceError()) { try loop.firstSuccess([Future<Int>]()).get() }
            #expect("\(EmptyRaceError())" == "A race needs at least one future; this one was given none.")
        }
    }

    @Test func `the first success passes failures over, without a report, and cancels the rest`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("passed over") }
        try await withLoop { loop async throws in
            let promises = (0..<4).map { _ in loop.promise(of: Int.self) }
            let race = loop.firstSuccess(promises.map(\.future))
            promises[0].tryFail(Oops("passed over"))
            promises[1].future.cancel()
            try await loop.moment()
            #expect(!race.isDone)
            promises[2].trySucceed(3)
            #expect(try await race.value == 3)
            #expect(promises[3].future.isCancelled)
        }
        #expect(recorder.failures.isEmpty)
    }

    @Test func `when none succeeds, every failure is told, in the order of the futures`() async throws {
        try await withLoop { loop async throws in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            let race = loop.firstSuccess(promises.map(\.future))
            promises[2].tryFail(Oops("two"))
            promises[0].tryFail(Oops("zero"))
            promises[1].future.cancel()
            do {
                _ = try await race.value
                Issue.record("nobody succeeded")
            } catch let error as AllFailedError {
                #expect(error.failures[0] as? Oops == Oops("zero"))
                #expect(error.failures[1] is CancellationError)
                #expect(error.failures[2] as? Oops == Oops("two"))
                #expect("\(error)".hasPrefix("All 3 failed: Oops(name: \"zero\"); "))
            }
        }
    }

    @Test func `futures of another loop race on this one`() async throws {
        try await withLoop { loop async throws in
            let other = try EventLoop()
            async let serving: Void = onOwnThread {
                try other.run()
                try other.close()
            }
            let stuck = loop.promise(of: Int.self)
            #expect(try await loop.firstOf([stuck.future, other.future { 2 }]).value == 2)
            #expect(stuck.future.isCancelled)
            other.stop()
            try await serving
        }
    }
}
