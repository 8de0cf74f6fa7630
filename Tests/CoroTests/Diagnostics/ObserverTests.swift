import Coro
import CoroTesting
import Testing

@Suite struct ObserverTests {
    @Test func `an observer is told of each piece of work, its beginning, its end and its place`() throws {
        let clock = HandClock()
        let loop = try EventLoop(clock: clock)
        let observer = Recorder()
        let pair = SocketPair()
        pair.send("x", to: \.left)
        loop.addObserver(observer)
        let line: UInt = #line + 1
        try loop.addHandler(pair.left, interest: .readable) { _ in
            clock.pass(1)
            loop.removeHandler(pair.left)
            loop.addCallback { clock.pass(3) }
            loop.callAt(LoopInstant(nanoseconds: 0)) {
                clock.pass(5)
                loop.stop()
            }
        }
        try loop.run()
        // In the order of one iteration.
        #expect(
            observer.notes.prefix(8) == [
                "iteration", "readiness began", "readiness ended after 1 ms", "callback began",
                "callback ended after 3 ms", "timer began", "timer ended after 5 ms", "iteration ended",
            ])
        #expect(observer.works.first?.descriptor == pair.left)
        #expect(observer.works.prefix(3).map(\.place) == [0, 3, 4].map { SourcePlace(line: line + $0) })
        try loop.close()
    }

    @Test func `a job says whose it is, after every wait`() async throws {
        let observer = Recorder()
        let spawnLine: UInt = #line + 5
        try await withLoop { loop in
            loop.addObserver(observer)
            try await loop.moment()
            try await loop.moment()
            try await loop.spawn(name: "worker") {
                try await loop.moment()
                try await loop.sleep(for: .zero)
            }.value
            try await loop.moment()
            loop.removeObserver(observer)
        }
        let jobs = observer.works.filter { $0.taskName == "worker" }
        // To the moment, to the sleep, to the end.
        #expect(jobs.count == 3)
        #expect(Set(jobs.map(\.taskID)).count == 1)
        #expect(jobs.allSatisfy { $0.kind == .job && $0.place == SourcePlace(line: spawnLine) })
        #expect(jobs.first.map { "\($0)" } == "job of task \(jobs.first?.taskID ?? 0) (worker)")
    }

    @Test func `an observer is told of tasks that begin and end`() async throws {
        let observer = Recorder()
        try await withLoop { loop in
            loop.addObserver(observer)
            try await loop.moment()
            try await loop.spawn(name: "short") { try await loop.sleep(for: .zero) }.value
            loop.removeObserver(observer)
        }
        let tasks = observer.notes.filter { $0.hasPrefix("task short") }
        #expect(tasks == ["task short began, resumed 0 times", "task short ended, resumed 1 times"])
    }

    @Test func `an observer that was added twice is told once, and after its removal no more`() throws {
        let loop = try EventLoop()
        let observer = Recorder()
        loop.addObserver(observer)
        loop.addObserver(observer)
        loop.stop()
        try loop.run()
        #expect(observer.notes.filter { $0 == "iteration" }.count == 1)
        loop.removeObserver(observer)
        let before = observer.notes.count
        loop.stop()
        try loop.run()
        #expect(observer.notes.count == before)
        try loop.close()
    }

    @Test func `who is told of a beginning is told of the end, though removed in between`() throws {
        let loop = try EventLoop()
        let observer = Recorder()
        loop.addObserver(observer)
        loop.addCallback { loop.removeObserver(observer) }
        loop.stop()
        try loop.run()
        #expect(observer.notes.filter { $0.hasPrefix("callback began") }.count == 2)
        #expect(observer.notes.filter { $0.hasPrefix("callback ended") }.count == 2)
        #expect(observer.notes.last == "iteration ended")
        try loop.close()
    }

    @Test func `observers come and go from other threads while the loop runs`() async throws {
        try await withLoop { loop in
            let done = loop.promise(of: Void.self)
            let adding = Task.detached {
                try await onOwnThread {
                    for _ in 0..<500 {
                        let observer = Recorder()
                        loop.addObserver(observer)
                        loop.addCallback {}
                        loop.removeObserver(observer)
                    }
                    done.trySucceed(())
                }
            }
            while !done.future.isDone { try await loop.moment() }
            try await adding.value
        }
    }

    @Test func `the loop lets go of a removed observer after the iteration, and of all when it goes`() throws {
        // SAFETY: touched on this thread only, which is the one that runs the loop.
        nonisolated(unsafe) weak var removed: Recorder?
        weak var kept: Recorder?
        func add(to loop: EventLoop) -> Recorder {
            let observer = Recorder()
            loop.addObserver(observer)
            return observer
        }
        func observe() throws {
            let loop = try EventLoop()
            removed = add(to: loop)
            loop.addCallback { if let removed { loop.removeObserver(removed) } }
            loop.stop()
            try loop.run()
            #expect(removed == nil)
            kept = add(to: loop)
            loop.stop()
            try loop.run()
            #expect(kept != nil)
            try loop.close()
        }
        try observe()
        #expect(kept == nil)
    }

    @Test func `an observed loop that is dropped with callbacks in its queue goes`() throws {
        weak var gone: EventLoop?
        func drop() throws {
            let loop = try EventLoop()
            gone = loop
            loop.reportSlow(over: .seconds(1))
            for _ in 0..<10 { loop.addCallback {} }
        }
        try drop()
        #expect(gone == nil)
    }

    @Test func `clean-up on a closing loop is observed too`() throws {
        let loop = try EventLoop()
        let observer = Recorder()
        loop.spawn(name: "sleeper") { try await loop.sleep(for: .seconds(3600)) }
        loop.stop()
        try loop.run()
        loop.addObserver(observer)
        try loop.close()
        #expect(observer.works.contains { $0.taskName == "sleeper" })
    }
}

/// Notes what it is told, in words.
private final class Recorder: LoopObserver {
    private let journal = Journal<String>()
    private let ended = Journal<LoopWork>()

    var notes: [String] { journal.entries }
    /// The work that has ended.
    var works: [LoopWork] { ended.entries }

    func iterationBegan(on loop: EventLoop) { journal.note("iteration") }
    func iterationEnded(on loop: EventLoop) { journal.note("iteration ended") }
    func workBegan(_ work: LoopWork, on loop: EventLoop) { journal.note("\(work.kind) began") }

    func workEnded(_ work: LoopWork, took: Duration, on loop: EventLoop) {
        journal.note("\(work.kind) ended after \(took / .milliseconds(1)) ms".replacingTail(".0 ms", " ms"))
        ended.note(work)
    }

    func taskBegan(_ task: TaskSnapshot, on loop: EventLoop) {
        journal.note("task \(task.name ?? "-") began, resumed \(task.resumes) times")
    }

    func taskEnded(_ task: TaskSnapshot, on loop: EventLoop) {
        journal.note("task \(task.name ?? "-") ended, resumed \(task.resumes) times")
    }
}

extension String {
    fileprivate func replacingTail(_ tail: String, _ other: String) -> String {
        hasSuffix(tail) ? String(dropLast(tail.count)) + other : self
    }
}
