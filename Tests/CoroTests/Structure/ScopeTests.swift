import Coro
import CoroTesting
import Testing

@Suite struct ScopeTests {
    @Test func `a scope ends when its last task has ended, and gives what its body returned`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let notes = Journal<String>()
            let value = try await loop.withScope { scope in
                for seconds in [3, 1, 2] {
                    scope.spawn {
                        try await loop.sleep(for: .seconds(seconds))
                        notes.note("task \(seconds)")
                    }
                }
                notes.note("body")
                return 7
            }
            #expect(value == 7)
            #expect(notes.entries == ["body", "task 1", "task 2", "task 3"])
        }
    }

    @Test func `the first failure cancels the siblings and is thrown when they have ended`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let notes = Journal<String>()
            await #expect(throws: Oops("first")) {
                try await loop.withScope { scope in
                    scope.spawn {
                        do { try await loop.sleep(for: .seconds(100)) } catch {
                            notes.note("sibling \(type(of: error))")
                            try? await loop.shielded(for: .seconds(1)) { try await loop.sleep(for: .milliseconds(10)) }
                            notes.note("sibling cleaned")
                            throw error
                        }
                    }
                    scope.spawn {
                        try await loop.sleep(for: .seconds(1))
                        throw Oops("first")
                    }
                }
            }
            #expect(notes.entries == ["sibling CancellationError", "sibling cleaned"])
            #expect(loop.now.nanoseconds == 1_010_000_000)
        }
    }

    @Test func `a task's failure wakes the body, whose further waits throw too`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let notes = Journal<String>()
            await #expect(throws: Oops("task")) {
                try await loop.withScope { scope in
                    scope.spawn { throw Oops("task") }
                    for _ in 0..<2 {
                        do { try await loop.sleep(for: .seconds(100)) } catch { notes.note("\(type(of: error))") }
                    }
                    do { try await loop.moment() } catch { notes.note("\(type(of: error))") }
                }
            }
            #expect(notes.entries == Array(repeating: "CancellationError", count: 3))
            // Only the scope was cancelled, not the task around it.
            try await loop.sleep(for: .seconds(1))
            #expect(!Task.isCancelled)
        }
    }

    @Test func `a body that throws cancels its tasks`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let notes = Journal<String>()
            await #expect(throws: Oops("body")) {
                try await loop.withScope { scope in
                    scope.spawn {
                        defer { notes.note("task ended") }
                        try await loop.sleep(for: .seconds(100))
                    }
                    try await loop.moment()
                    throw Oops("body")
                }
            }
            #expect(notes.entries == ["task ended"])
            #expect(loop.now.nanoseconds == 0)
        }
    }

    @Test func `further failures are reported, cancellations are not`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("second") }
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            await #expect(throws: Oops("one")) {
                try await loop.withScope { scope in
                    scope.spawn { throw Oops("one") }
                    scope.spawn {
                        do { try await loop.sleep(for: .seconds(9)) } catch { throw Oops("second") }
                    }
                    scope.spawn { try await loop.sleep(for: .seconds(9)) }
                }
            }
        }
        #expect(recorder.failures.count == 1)
    }

    @Test func `a task's failure that the scope throws is not reported as unobserved`() async throws {
        let recorder = ReportRecorder { $0.error as? Oops == Oops("thrown") }
        try await withLoop { loop async throws in
            await #expect(throws: Oops("thrown")) {
                try await loop.withScope { scope in scope.spawn { throw Oops("thrown") } }
            }
        }
        #expect(recorder.failures.isEmpty)
    }

    @Test func `cancelling the task around a scope cancels everything inside, at the body's wait and at the end's`()
        async throws
    {
        for waitsInBody in [true, false] {
            try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
                let notes = Journal<String>()
                let outer = loop.spawn {
                    try await loop.withScope { scope in
                        scope.spawn {
                            defer { notes.note("child") }
                            try await loop.sleep(for: .seconds(100))
                        }
                        if waitsInBody { try await loop.sleep(for: .seconds(100)) }
                    }
                }
                for _ in 0..<5 { try await loop.moment() }
                outer.cancel()
                await #expect(throws: CancellationError.self) { try await outer.value }
                #expect(notes.entries == ["child"])
            }
        }
    }

    @Test func `a deadline around a scope binds its tasks`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(2)) {
                    try await loop.withScope { scope in scope.spawn { try await loop.sleep(for: .seconds(10)) } }
                }
            }
            #expect(loop.now.nanoseconds == 2_000_000_000)
        }
    }

    @Test func `cancel ends the tasks, and a body that returns has its value`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let ticks = Journal<Void>()
            let value = try await loop.withScope { scope in
                scope.spawn {
                    while true {
                        try await loop.sleep(for: .seconds(1))
                        ticks.note(())
                    }
                }
                try await loop.sleep(for: .milliseconds(3500))
                scope.cancel()
                #expect(scope.isCancelled)
                return "done"
            }
            #expect(value == "done")
            #expect(ticks.entries.count == 3)
        }
    }

    @Test func `a task that is cancelled alone is no failure of the scope`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let value = try await loop.withScope { scope in
                let one = scope.spawn { try await loop.sleep(for: .seconds(100)) }
                let two = scope.spawn {
                    try await loop.sleep(for: .seconds(1))
                    return 2
                }
                try await loop.moment()
                one.cancel()
                return try await two.value
            }
            #expect(value == 2)
            #expect(loop.now.nanoseconds == 1_000_000_000)
        }
    }

    @Test func `tasks may spawn into the scope they are in, also while it ends`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let notes = Journal<Int>()
            try await loop.withScope { scope in
                @Sendable func next(_ number: Int) {
                    scope.spawn {
                        try await loop.sleep(for: .seconds(1))
                        notes.note(number)
                        if number < 4 { next(number + 1) }
                    }
                }
                next(1)
            }
            #expect(notes.entries == [1, 2, 3, 4])
        }
    }

    @Test func `a scope that has ended takes no task, and says so`() async throws {
        try await withLoop { loop async throws in
            var kept: Scope?
            try await loop.withScope { scope in kept = scope }
            let late = try #require(kept).spawn { Issue.record("it ran") }
            await #expect(throws: ScopeEnded.self) { try await late.value }
        }
    }

    @Test func `a task spawned into a cancelled scope is cancelled from the start`() async throws {
        try await withLoop { loop async throws in
            try await loop.withScope { scope in
                scope.cancel()
                let late = scope.spawn { try await loop.sleep(for: .seconds(3600)) }
                #expect(late.isCancelled)
            }
        }
    }

    @Test func `scopes nest: cancelling the outer ends what sleeps in the inner`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let notes = Journal<String>()
            await #expect(throws: Oops("outer")) {
                try await loop.withScope { outer in
                    outer.spawn {
                        try await loop.sleep(for: .seconds(1))
                        throw Oops("outer")
                    }
                    try await loop.withScope { inner in
                        inner.spawn {
                            defer { notes.note("inner task") }
                            try await loop.sleep(for: .seconds(100))
                        }
                        defer { notes.note("inner body") }
                        try await loop.sleep(for: .seconds(100))
                    }
                }
            }
            #expect(notes.entries.sorted() == ["inner body", "inner task"])
            #expect(loop.now.nanoseconds == 1_000_000_000)
        }
    }

    @Test func `cancelling the inner scope leaves the outer alone`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            try await loop.withScope { outer in
                let other = outer.spawn { try await loop.sleep(for: .seconds(5)) }
                await #expect(throws: CancellationError.self) {
                    try await loop.withScope { inner in
                        inner.cancel()
                        try await loop.moment()
                    }
                }
                try await other.value
            }
            #expect(loop.now.nanoseconds == 5_000_000_000)
        }
    }

    @Test func `child tasks of the language that sleep inside are woken when the scope is cancelled`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let notes = Journal<String>()
            await #expect(throws: Oops("scope")) {
                try await loop.withScope { scope in
                    scope.spawn {
                        try await loop.sleep(for: .seconds(1))
                        throw Oops("scope")
                    }
                    async let one: Void = {
                        defer { notes.note("async let") }
                        try await loop.sleep(for: .seconds(100))
                    }()
                    try await one
                }
            }
            #expect(notes.entries == ["async let"])
            #expect(loop.now.nanoseconds == 1_000_000_000)
        }
    }

    @Test func `a closing loop ends a scope and its tasks`() async throws {
        let notes = Journal<String>()
        try await withLoop(allowing: .tasks) { loop async throws in
            loop.spawn {
                try await loop.withScope { scope in
                    scope.spawn {
                        defer { notes.note("task") }
                        try await loop.sleep(for: .seconds(3600))
                    }
                    defer { notes.note("body") }
                    try await loop.sleep(for: .seconds(3600))
                }
            }
            for _ in 0..<5 { try await loop.moment() }
        }
        #expect(notes.entries.sorted() == ["body", "task"])
    }

    @Test func `scopes are spawned into and cancelled from any thread`() async throws {
        // Whoever comes too late is refused, and nobody looks at the refusal.
        let recorder = ReportRecorder { $0.error is ScopeEnded }
        defer { recorder.stop() }
        try await withLoop(seconds: 60) { loop async throws in
            // A thread may come after the cancel.
            let identity = ObjectIdentifier(loop)
            let tooLate = ReportRecorder { $0.error is ScopeEnded && $0.loop == identity }
            defer { tooLate.stop() }
            for _ in 0..<100 {
                let begun = Journal<Void>()
                try? await loop.withScope { scope in
                    for _ in 0..<3 {
                        startThread {
                            scope.spawn {
                                begun.note(())
                                try await loop.sleep(for: .seconds(3600))
                            }
                            begun.note(())
                        }
                    }
                    startThread { scope.cancel() }
                    try await loop.sleep(for: .seconds(3600))
                }
            }
        }
    }
}
