import Coro
import CoroTesting
import Testing

@Suite struct NativeTaskTests {
    @Test func `a native task sees one thread, across every kind of await`() async throws {
        try await withLoop { loop async throws in
            let threads = Journal<UInt>()
            let task = loop.spawn {
                for round in 0..<50 {
                    threads.note(thisThread())
                    try await loop.sleep(for: .microseconds(10))
                    threads.note(thisThread())
                    try await loop.moment()
                    threads.note(thisThread())
                    let promise = loop.promise(of: Int.self)
                    loop.addCallback { promise.trySucceed(1) }
                    _ = try await promise.future.value
                    threads.note(thisThread())
                    _ = try await loop.gather([loop.future { 1 }, loop.future { 2 }]).value
                    threads.note(thisThread())
                    try await plainAsync(loop, threads)
                    _ = try await loop.coroutine { co in
                        try await co.yield()
                        threads.note(thisThread())
                    }.value
                    threads.note(thisThread())
                    // A completion on a foreign thread, and a trip to the global pool and back.
                    guard round % 10 == 0 else { continue }
                    let foreign = loop.promise(of: Int.self)
                    startThread { foreign.trySucceed(1) }
                    _ = try await foreign.future.value
                    threads.note(thisThread())
                    _ = await Task.detached { 1 }.value
                    threads.note(thisThread())
                }
            }
            try await task.value
            #expect(Set(threads.entries) == [thisThread()])
        }
    }

    @Test func `child tasks and groups of a loop task run on the loop too`() async throws {
        try await withLoop { loop async throws in
            let task = loop.spawn {
                async let one = thisThread()
                var threads: Set<UInt> = [thisThread(), await one]
                await withTaskGroup(of: UInt.self) { group in
                    for _ in 0..<10 {
                        group.addTask {
                            try? await loop.moment()
                            return thisThread()
                        }
                    }
                    for await thread in group { threads.insert(thread) }
                }
                return threads
            }
            #expect(try await task.value == [thisThread()])
        }
    }

    @Test func `case 20: task-local values reach spawned tasks and survive their waits`() async throws {
        try await withLoop { loop async throws in
            let task = Trace.$name.withValue("spawned") {
                loop.spawn {
                    var seen = [Trace.name]
                    try await loop.sleep(for: .microseconds(10))
                    seen.append(Trace.name)
                    seen.append(
                        try await loop.coroutine { co in
                            try await co.yield(); return Trace.name
                        }.value)
                    return seen
                }
            }
            #expect(try await task.value == ["spawned", "spawned", "spawned"])
        }
    }
}

private func plainAsync(_ loop: EventLoop, _ threads: Journal<UInt>) async throws {
    try await loop.moment()
    threads.note(thisThread())
}
