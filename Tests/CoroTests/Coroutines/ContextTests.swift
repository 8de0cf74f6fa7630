import Coro
import CoroTesting
import Testing

/// What a body carries with it across its yields: task-local values and child tasks.
@Suite struct ContextTests {
    @Test func `case 20: a value bound around a yield is there after it, and reset when its scope ends, in both kinds`()
        async throws
    {
        try await withLoop { loop async throws in
            let generatorStyle = loop.coroutine { co in
                var seen = [Trace.name]
                try await Trace.$name.withValue("bound") {
                    try await co.yield()
                    seen.append(Trace.name)
                    try await Trace.$name.withValue("deeper") {
                        try await co.yield(loop.sleep(.zero))
                        seen.append(Trace.name)
                    }
                    try await co.yield()
                    seen.append(Trace.name)
                }
                try await co.yield()
                return seen + [Trace.name]
            }
            let native = loop.spawn {
                var seen = [Trace.name]
                try await Trace.$name.withValue("bound") {
                    try await loop.moment()
                    seen.append(Trace.name)
                    try await Trace.$name.withValue("deeper") {
                        try await loop.sleep(for: .zero)
                        seen.append(Trace.name)
                    }
                    try await loop.moment()
                    seen.append(Trace.name)
                }
                try await loop.moment()
                return seen + [Trace.name]
            }
            let expected = ["none", "bound", "deeper", "bound", "none"]
            #expect(try await generatorStyle.value == expected)
            #expect(try await native.value == expected)
        }
    }

    @Test func `case 20: values reach callees of the other kind, through generators, thunks and wrapped functions`()
        async throws
    {
        try await withLoop { loop async throws in
            let wrapped = loop.wrap { co in
                try await co.yield()
                return Trace.name
            }
            let future = loop.coroutine { co in
                try await Trace.$name.withValue("caller") {
                    [
                        try await co.yield(wrapped()),
                        try await co.yield(loop.spawn { Trace.name }),
                        try await co.yield { try await wrapped().value },
                        try await co.yield(Thunk { done in done(.success(Trace.name)) }),
                        try await co.yield(
                            Generator<Moment, Void, String> { yielder in
                                try await yielder.yield(.init())
                                return Trace.name
                            }),
                    ]
                }
            }
            #expect(try await future.value == Array(repeating: "caller", count: 5))
            // And native code reaches a generator-style callee.
            let native = loop.spawn { try await Trace.$name.withValue("native") { try await wrapped().value } }
            #expect(try await native.value == "native")
        }
    }

    @Test func `values of interleaved coroutines do not mix, nor with the code that resumes them`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Void.self)
            let futures = ["a", "b", "c"].map { name in
                Trace.$name.withValue(name) {
                    loop.coroutine { co in
                        try await co.yield(promise.future)
                        return Trace.name
                    }
                }
            }
            Trace.$name.withValue("completer") { _ = promise.trySucceed(()) }
            #expect(try await loop.gather(futures).value == ["a", "b", "c"])
            #expect(Trace.name == "none")
        }
    }

    @Test func `async let and yields mix: children run while the body waits, and the body waits for its children`()
        async throws
    {
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                let (first, second) = (loop.promise(of: Int.self), loop.promise(of: Int.self))
                async let child: Int = {
                    try await loop.moment()
                    first.trySucceed(1)
                    return try await second.future.value + 10
                }()
                let one = try await co.yield(first.future)
                second.trySucceed(2)
                try await co.yield()
                return one + (try await child)
            }
            #expect(try await future.value == 13)
        }
    }

    @Test func `task groups run inside a body, on the loop's thread, a hundred children at once`() async throws {
        try await withLoop { loop async throws in
            let here = thisThread()
            let future = loop.coroutine { co in
                try await co.yield()
                let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 1...100 {
                        group.addTask {
                            try await loop.moment()
                            #expect(thisThread() == here)
                            return number
                        }
                    }
                    return try await group.reduce(0, +)
                }
                try await co.yield()
                return sum
            }
            #expect(try await future.value == 5_050)
        }
    }

    @Test func `cancelling a body cancels its children`() async throws {
        try await withLoop { loop async throws in
            let notes = Journal<String>()
            let future = loop.coroutine { co in
                async let child: Void = {
                    do { try await loop.sleep(for: .seconds(3600)) } catch { notes.note("child \(type(of: error))") }
                }()
                do { try await co.yield(loop.sleep(.seconds(3600))) } catch { notes.note("body \(type(of: error))") }
                await child
            }
            try await loop.moment()
            future.cancel()
            for _ in 0..<6 { try await loop.moment() }
            #expect(Set(notes.entries) == ["child CancellationError", "body CancellationError"])
        }
    }

    @Test func `two child tasks cannot wait at the body's yield at once; each can wait natively`() async throws {
        try await withLoop { loop async throws in
            let future = loop.coroutine { co in
                async let one: Void = co.yield(loop.sleep(.zero))
                async let two: Void = co.yield(loop.sleep(.zero))
                var refused = 0
                do { try await one } catch GeneratorError.alreadyYielding { refused += 1 }
                do { try await two } catch GeneratorError.alreadyYielding { refused += 1 }
                return refused
            }
            #expect(try await future.value == 1)
        }
    }

    @Test func `a yield by another task, or on another thread, is refused and not left waiting`() async throws {
        try await withLoop { loop async throws in
            let never = loop.promise(of: Int.self)
            let future = loop.coroutine { co in
                let spawned = loop.spawn { try await co.yield(never.future) }
                await #expect(throws: GeneratorError.outsideBody) { try await spawned.value }
                let detached = Task.detached { try await co.yield(never.future) }
                await #expect(throws: GeneratorError.outsideBody) { try await detached.value }
                await #expect(throws: GeneratorError.outsideBody) {
                    try await co.yield { try await co.yield(never.future) }
                }
                try await co.yield()
                return co
            }
            let co = try await future.value
            await #expect(throws: GeneratorError.finished) { try await co.yield(never.future) }
            never.trySucceed(0)
        }
    }
}
