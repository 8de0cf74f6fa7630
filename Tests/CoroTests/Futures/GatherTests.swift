import Coro
import CoroTesting
import Testing

@Suite struct GatherTests {
    @Test func `case 5: parallel results keep list order even when the second finishes first`() async throws {
        try await withLoop { loop in
            let promises = (0..<3).map { _ in loop.promise(of: String.self) }
            let gathered = loop.gather(promises.map(\.future))
            promises[1].trySucceed("b")
            promises[2].trySucceed("c")
            try await loop.moment()
            #expect(!gathered.isDone)
            promises[0].trySucceed("a")
            #expect(try await gathered.value == ["a", "b", "c"])
        }
    }

    @Test func `case 5: a dictionary keeps its keys`() async throws {
        try await withLoop { loop async throws in
            let (one, two) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
            let gathered = loop.gather([1: one.future, 2: two.future])
            two.trySucceed(20)
            one.trySucceed(10)
            #expect(try await gathered.value == [1: 10, 2: 20])
        }
    }

    @Test func `futures of different types come back as a tuple`() async throws {
        try await withLoop { loop in
            let (number, text) = try await loop.gather(
                Future(on: loop, .finished(1)), loop.future { "two" }
            ).value
            #expect(number == 1)
            #expect(text == "two")
        }
    }

    @Test func `case 6: an empty list gives an empty list, an empty dictionary an empty dictionary, at once`()
        async throws
    {
        try await withLoop { loop async throws in
            #expect(try loop.gather([Future<Int>]()).get() == [])
            #expect(try loop.gather([String: Future<Int>]()).get() == [:])
        }
    }

    @Test func `case 7: the same future may appear twice`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int.self)
            let gathered = loop.gather([promise.future, promise.future])
            promise.trySucceed(4)
            #expect(try await gathered.value == [4, 4])
            let failing = loop.promise(of: Int.self)
            let failed = loop.gather([failing.future, failing.future], onFailure: .cancelRest)
            failing.tryFail(Oops("twice"))
            await #expect(throws: Oops("twice")) { try await failed.value }
        }
    }

    @Test func `case 8: of two failures the first by position is thrown, and the other is reported`() async throws {
        let recorder = ReportRecorder { ($0.error as? Oops)?.name.hasPrefix("case 8") == true }
        try await withLoop { loop in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            let gathered = loop.gather(promises.map(\.future))
            promises[2].tryFail(Oops("case 8 third"))
            promises[0].trySucceed(1)
            try await loop.moment()
            #expect(!gathered.isDone, "waits for all, also after a failure")
            promises[1].tryFail(Oops("case 8 second"))
            await #expect(throws: Oops("case 8 second")) { try await gathered.value }
        }
        #expect(recorder.failures.map { $0.error as? Oops } == [Oops("case 8 third")])
    }

    @Test func `case 8: with one failure nothing is reported`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("alone") }
        try await withLoop { loop in
            let promises = (0..<2).map { _ in loop.promise(of: Int.self) }
            let gathered = loop.gather(promises.map(\.future))
            promises[0].tryFail(Oops("alone"))
            promises[1].trySucceed(1)
            await #expect(throws: Oops("alone")) { try await gathered.value }
        }
        #expect(recorder.failures.isEmpty)
    }

    @Test func `case 8: quiet types suppress the report of further failures, of theirs only`() async throws {
        let recorder = ReportRecorder { failure in
            (failure.error as? Oops)?.name.hasPrefix("quiet, case 8") == true
                || failure.error as? TimeoutError == TimeoutError("quiet, case 8")
        }
        try await withLoop { loop in
            let failures: [any Error] = [
                Oops("quiet, case 8 first"), TimeoutError("quiet, case 8"), Oops("quiet, case 8 third"),
            ]
            for quiet: QuietErrors in [[TimeoutError.self], [Oops.self, TimeoutError.self], .all] {
                let futures = failures.map { Future<Int>(on: loop, .failed($0)) }
                await #expect(throws: Oops("quiet, case 8 first")) {
                    try await loop.gather(futures, quiet: quiet).value
                }
            }
            let named = ["a": Future<Int>(on: loop, .failed(failures[0])), "b": Future(on: loop, .failed(failures[2]))]
            _ = try? await loop.gather(named, quiet: QuietErrors { $0 is Oops }).value
            _ = try? await loop.gather(
                Future<Int>(on: loop, .failed(failures[0])), Future<String>(on: loop, .failed(failures[1])),
                quiet: [TimeoutError.self]
            ).value
        }
        #expect(recorder.failures.map { $0.error as? Oops } == [Oops("quiet, case 8 third")])
    }

    @Test func `quiet errors are types, all, or a test of one's own`() {
        let types: QuietErrors = [TimeoutError.self, IOError.self]
        #expect(types.contains(TimeoutError("any")))
        #expect(!types.contains(Oops()))
        #expect(QuietErrors.all.contains(Oops()))
        #expect(!([] as QuietErrors).contains(Oops()))
        let refused = QuietErrors { ($0 as? IOError)?.code == 111 }
        #expect(refused.contains(IOError(call: "connect", code: 111)))
        #expect(!refused.contains(IOError(call: "connect", code: 110)))
    }

    @Test func `case 9: a cancelled child throws a cancellation, but the gathered future is not cancelled`()
        async throws
    {
        try await withLoop { loop in
            let promises = (0..<2).map { _ in loop.promise(of: Int.self) }
            let gathered = loop.gather(promises.map(\.future))
            promises[0].future.cancel()
            promises[1].trySucceed(1)
            await #expect(throws: CancellationError.self) { try await gathered.value }
            #expect(!gathered.isCancelled)
        }
    }

    @Test func `case 10: two thousand children complete without quadratic cost`() async throws {
        try await withLoop { loop in
            let start = threadTime()
            let values = try await loop.gather((0..<2_000).map { number in loop.future { number } }).value
            #expect(values == Array(0..<2_000))
            // Ten times as many, and a limit in time of this thread alone, that holds under the sanitizer: 400 million steps,
            // if the cost were quadratic, would take far longer.
            let promises = (0..<20_000).map { _ in loop.promise(of: Int.self) }
            let gathered = loop.gather(promises.map(\.future))
            for (number, promise) in promises.enumerated() { promise.trySucceed(number) }
            #expect(try await gathered.value == Array(0..<20_000))
            #expect(threadTime() - start < 8_000_000_000)
        }
    }

    @Test func `cancelRest fails at once and cancels the others, whose work stops`() async throws {
        try await withLoop { loop in
            let stopped = Journal<Int>()
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            for (number, promise) in promises.enumerated() { promise.onCancel { stopped.note(number) } }
            let gathered = loop.gather(promises.map(\.future), onFailure: .cancelRest)
            promises[1].tryFail(Oops("fast"))
            #expect(gathered.isDone)
            #expect(stopped.entries == [0, 2])
            await #expect(throws: Oops("fast")) { try await gathered.value }
        }
    }

    @Test func `cancelling the gathered future cancels every child`() async throws {
        try await withLoop { loop in
            let promises = (0..<3).map { _ in loop.promise(of: Int.self) }
            let gathered = loop.gather(promises.map(\.future))
            gathered.cancel()
            #expect(gathered.isCancelled)
            #expect(promises.allSatisfy { $0.future.isCancelled })
        }
    }

    @Test func `futures of another loop are gathered on this one`() async throws {
        try await withLoop { loop in
            let other = try EventLoop()
            async let serving: Void = onOwnThread {
                try other.run()
                try other.close()
            }
            let values = try await loop.gather([
                other.future { other.isCurrent ? 1 : -1 }, loop.future { loop.isCurrent ? 2 : -2 },
            ]).value
            #expect(values == [1, 2])
            other.stop()
            try await serving
        }
    }
}
