import CoroTesting
import Glibc
import Testing

@testable import Coro

@Suite struct TaskSnapshotTests {
    @Test func `every task is listed with its name, parent, place and what it waits for`() async throws {
        let clock = ManualClock(startingAt: LoopInstant(nanoseconds: 1))
        try await withLoop(clock: clock) { loop in
            let line: UInt = #line + 1
            let parent = loop.spawn(name: "parent") {
                let child = loop.spawn(name: "child") { try await loop.sleep(for: .seconds(60)) }
                try await child.value
            }
            try await loop.moment()
            try await clock.advance(by: .seconds(5))
            let new = loop.spawn(name: "new") {}
            let tasks = try await loop.tasks
            let found = try #require(tasks.first { $0.name == "parent" })
            let child = try #require(tasks.first { $0.name == "child" })
            #expect(found.kind == .task)
            #expect(found.origin == SourcePlace(line: line))
            #expect(child.parentID == found.id)
            #expect(child.origin == SourcePlace(line: line + 1))
            #expect(child.state == .suspended(reason: "sleeping", place: nil, duration: .seconds(5)))
            #expect(tasks.first { $0.name == "new" }?.state == .created)
            // The task that asks.
            #expect(tasks.contains { $0.state == .active })
            #expect(tasks.compactMap(\.id) == tasks.compactMap(\.id).sorted())
            parent.cancel()
            try await new.value
            try await clock.advance(by: .seconds(60))
            let left = try await loop.tasks
            #expect(!left.contains { $0.name == "child" || $0.name == "new" })
        }
    }

    @Test func `child tasks and coroutines that are asleep are listed too`() async throws {
        try await withLoop(clock: ManualClock()) { loop in
            let promise = loop.promise(of: Void.self)
            let coroutine = loop.coroutine { co in try await co.yield(promise.future) }
            let owner = loop.spawn(name: "owner") {
                async let child: Void = loop.sleep(for: .seconds(60))
                try await child
            }
            for _ in 0..<5 { try await loop.moment() }
            let tasks = try await loop.tasks
            #expect(tasks.filter { $0.kind == .coroutine }.count == 1)
            let guest = try #require(tasks.first { $0.kind == .guest })
            #expect(guest.parentID == tasks.first { $0.name == "owner" }?.id)
            owner.cancel()
            promise.trySucceed(())
            try await coroutine.value
            _ = try? await owner.value
        }
    }

    @Test func `resumes are counted, and busy time while the loop is observed`() throws {
        let clock = HandClock()
        let loop = try EventLoop(clock: clock)
        loop.reportSlow(over: .seconds(1))
        let snapshot = try loop.runSync {
            let task = loop.spawn(name: "busy") {
                clock.pass(3)
                try await loop.sleep(for: .milliseconds(-1))
                clock.pass(4)
                try await loop.sleep(for: .seconds(3600))
            }
            for _ in 0..<5 { try await loop.moment() }
            let snapshot = try await loop.tasks.first { $0.name == "busy" }
            task.cancel()
            return snapshot
        }
        #expect(snapshot?.resumes == 1)
        #expect(snapshot?.busy == .milliseconds(7))
        try loop.close()
    }

    @Test func `tasks may be asked for from another thread`() async throws {
        try await withLoop { loop in
            let tasks = try await Task.detached { try await loop.tasks }.value
            #expect(!tasks.isEmpty)
        }
    }

    @Test func `a tree has each task under the one that spawned it`() {
        let here = SourcePlace(file: "App/Main.swift", line: 10)
        let tree = TaskTree([
            task(1, "server", .suspended(reason: "accepting", place: nil, duration: .seconds(90)), origin: here),
            task(2, "one", .active, parent: 1),
            task(3, "other", .created, parent: 1),
            task(4, nil, .suspended(reason: "reading", place: here, duration: .milliseconds(12)), parent: 2),
            TaskSnapshot(kind: .guest, parentID: 4, state: .suspended(reason: "sleeping", place: nil, duration: nil)),
            task(5, "orphan", .active, parent: 77, resumes: 2, busy: .microseconds(15)),
            TaskSnapshot(kind: .coroutine, state: .suspended(reason: "waiting", place: here, duration: nil)),
        ])
        #expect(
            tree.description == """
                5 tasks, 1 guests, 1 coroutines
                task 1 server: accepting for 90 s, spawned at App/Main.swift:10
                  task 2 one: active
                    task 4: reading for 12 ms, at App/Main.swift:10
                      guest: sleeping
                  task 3 other: not begun
                task 5 orphan: active, 2 resumes, busy 15 µs (by task 77, which is not here)
                coroutine: waiting, at App/Main.swift:10

                """)
    }

    @Test func `a chain of a hundred thousand tasks is a tree like any other`() {
        let chain = (1...100_000).map { task(UInt64($0), nil, .active, parent: $0 == 1 ? nil : UInt64($0 - 1)) }
        #expect(TaskTree(chain).entries.map(\.depth) == Array(0..<100_000))
    }

    @Test func `a dump of a running loop shows the tree`() async throws {
        let clock = ManualClock(startingAt: LoopInstant(nanoseconds: 1))
        try await withLoop(clock: clock, allowing: .tasks) { loop in
            let parent = loop.spawn(name: "above") {
                let child = loop.spawn(name: "below") { try await loop.sleep(for: .seconds(1)) }
                try await child.value
            }
            for _ in 0..<3 { try await loop.moment() }
            let lines = try await loop.dumpTasks().split(separator: "\n")
            let above = try #require(lines.firstIndex { $0.contains("above") })
            let depth = lines[above].prefix { $0 == " " }.count
            #expect(lines[above + 1].hasPrefix(String(repeating: " ", count: depth + 2) + "task "))
            #expect(lines[above + 1].contains("below: sleeping"))
            parent.cancel()
        }
    }

    @Test func `a signal writes a dump, and the loop goes on`() async throws {
        let dumps = Journal<String>()
        // The signals stay a loop's for as long as it lives.
        try await withLoop(allowing: .descriptors) { loop in
            try loop.dumpTasks(on: [SIGUSR2]) { dumps.note($0) }
            let sleeper = loop.spawn(name: "sleeper") { try await loop.sleep(for: .seconds(3600)) }
            for round in 1...2 {
                try await loop.moment()
                // To this thread alone: it is the one that blocks the signal.
                pthread_kill(pthread_self(), SIGUSR2)
                while dumps.entries.count < round { try await loop.moment() }
            }
            sleeper.cancel()
        }
        #expect(dumps.entries.count == 2)
        #expect(dumps.entries.allSatisfy { $0.contains(" sleeper: sleeping for ") && $0.contains(" iterations (") })
    }

    @Test func `a number that is no signal is refused, and a closed loop dumps nothing`() async throws {
        try await withLoop { loop in
            #expect(throws: IOError.self) { try loop.dumpTasks(on: [4_000]) }
        }
        try await onOwnThread {
            let loop = try EventLoop()
            try loop.close()
            #expect(throws: IOError(call: "epoll_ctl", code: EBADF)) { try loop.dumpTasks(on: [SIGUSR2]) }
        }
    }

    private func task(
        _ id: UInt64, _ name: String?, _ state: TaskSnapshot.State, parent: UInt64? = nil, origin: SourcePlace? = nil,
        resumes: Int = 0, busy: Duration? = nil
    ) -> TaskSnapshot {
        TaskSnapshot(
            kind: .task, id: id, name: name, parentID: parent, origin: origin, state: state, resumes: resumes,
            busy: busy)
    }
}
