import Coro
import CoroTesting
import Testing

@Suite struct ThunkTests {
    // Functions as other libraries have them.
    @Sendable private static func read(_ path: String, _ done: @escaping @Sendable ((any Error)?, String?) -> Void) {
        if path.isEmpty { done(Oops("no path"), nil) } else { done(nil, "text of \(path)") }
    }
    @Sendable private static func remove(_ path: String, _ done: @escaping @Sendable ((any Error)?) -> Void) {
        done(path.isEmpty ? Oops("no path") : nil)
    }
    @Sendable private static func get(_ done: @escaping @Sendable ((any Error)?, Int?, String?, Bool?) -> Void) {
        done(nil, 200, "OK", true)
    }

    @discardableResult
    private func run<Result: Sendable>(
        _ body: @escaping @Sendable (Coroutine) async throws -> Result
    ) async throws -> Result {
        try await withLoop { loop async throws in try await loop.coroutine { co in try await body(co) }.value }
    }

    @Test func `co: an error-first callback gives its value, or throws its error at the yield`() async throws {
        let (text, error) = try await run { co in
            let text = try await co.yield(Thunk.errorFirst { done in Self.read("a", done) })
            do { _ = try await co.yield(Thunk.errorFirst { done in Self.read("", done) }) } catch let error as Oops {
                return (text, error.name)
            }
            return (text, "nothing")
        }
        #expect(text == "text of a")
        #expect(error == "no path")
    }

    @Test func `co: a callback with an error or nothing gives nothing, one with several values a tuple`() async throws {
        let (status, text, isFresh) = try await run { co in
            try await co.yield(Thunk.errorFirst { done in Self.remove("a", done) })
            await #expect(throws: Oops("no path")) {
                try await co.yield(Thunk.errorFirst { done in Self.remove("", done) })
            }
            return try await co.yield(Thunk.errorFirst(Self.get))
        }
        #expect(status == 200)
        #expect(text == "OK")
        #expect(isFresh)
    }

    @Test func `a callback with the value alone is a thunk too`() async throws {
        let text = try await run { co in
            try await co.yield(Thunk.callback { (done: @escaping @Sendable (String) -> Void) in done("response") })
        }
        #expect(text == "response")
    }

    @Test func `a completion with neither error nor value is an error`() async throws {
        try await run { co in
            await #expect(throws: ThunkError.nothing) {
                try await co.yield(Thunk<Int>.errorFirst { done in done(nil, nil) })
            }
            await #expect(throws: ThunkError.nothing) {
                try await co.yield(Thunk<(Int, String)>.errorFirst { done in done(nil, 1, nil) })
            }
        }
    }

    @Test func `co: the first completion counts; a second one, and an error after it, are ignored`() async throws {
        let (twice, late) = try await run { co in
            let twice = try await co.yield(
                Thunk<Int>.errorFirst { done in
                    done(nil, 1)
                    done(nil, 2)
                    done(Oops("late"), nil)
                })
            let late = try await co.yield(
                Thunk<Int> { done in
                    done(.success(3))
                    throw Oops("late")
                })
            return (twice, late)
        }
        #expect(twice == 1)
        #expect(late == 3)
    }

    @Test func `co: of an error and then a throw only the error counts`() async throws {
        try await run { co in
            await #expect(throws: Oops("first")) {
                try await co.yield(
                    Thunk<Int>.errorFirst { done in
                        done(Oops("first"), nil)
                        throw Oops("second")
                    })
            }
        }
    }

    @Test func `co: a thunk that throws has failed`() async throws {
        try await run { co in
            await #expect(throws: Oops("sync")) {
                try await co.yield(Thunk<Int>.errorFirst { _ in throw Oops("sync") })
            }
        }
    }

    @Test func `a completion on another thread resumes on the loop's; a dropped one fails`() async throws {
        try await run { co in
            let here = thisThread()
            let there = try await co.yield(
                Thunk<UInt>.errorFirst { done in startThread { done(nil, thisThread()) } })
            #expect(thisThread() == here)
            #expect(there != here)
            await #expect(throws: AbandonedError.self) { try await co.yield(Thunk<Int>.errorFirst { _ in }) }
        }
    }

    @Test func `a thunk is called at the yield and not before, once for each`() async throws {
        let calls = Journal<Void>()
        try await run { co in
            let thunk = Thunk<Int> { done in
                calls.note(())
                done(.success(1))
            }
            #expect(calls.entries.isEmpty)
            _ = try await co.yield(thunk)
            _ = try await co.yield([thunk, thunk])
        }
        #expect(calls.entries.count == 3)
    }
}
