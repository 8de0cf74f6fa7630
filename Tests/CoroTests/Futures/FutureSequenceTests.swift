import Coro
import CoroTesting
import Testing

@Suite struct FutureSequenceTests {
    @Test func `the cursor loop of the seeds: one future after the other, until nil`() async throws {
        try await withLoop { loop async throws in
            let cursor = Cursor(["a", "b", "c"], on: loop)
            var documents: [String] = []
            let sequence = loop.sequence { cursor.fetchNext() }
            for try await document in sequence {
                documents.append(document)
                #expect(cursor.calls == documents.count, "never asks ahead")
            }
            #expect(documents == ["a", "b", "c"])
            for try await document in sequence { Issue.record("after the end came \(document)") }
            #expect(cursor.calls == 4)
        }
    }

    @Test func `a cancelled or timed-out wait leaves the future, which the next loop waits for`() async throws {
        try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop async throws in
            let promise = loop.promise(of: Int?.self)
            let calls = Journal<Void>()
            let sequence = loop.sequence {
                calls.note(())
                return calls.entries.count == 1 ? promise.future : Future(on: loop, .finished(nil))
            }
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.seconds(1)) { for try await _ in sequence {} }
            }
            let task = loop.spawn { for try await _ in sequence {} }
            try await loop.moment()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(!promise.future.isDone)
            #expect(calls.entries.count == 1)
            promise.trySucceed(7)
            var seen: [Int] = []
            for try await number in sequence { seen.append(number) }
            #expect(seen == [7])
        }
    }

    @Test func `a value that comes between the cancel and the cancelled task's turn is not lost`() async throws {
        try await withLoop { loop async throws in
            let promise = loop.promise(of: Int?.self)
            let calls = Journal<Void>()
            let sequence = loop.sequence {
                calls.note(())
                return calls.entries.count == 1 ? promise.future : Future(on: loop, .finished(nil))
            }
            let task = loop.spawn { for try await _ in sequence { Issue.record("cancelled, and went on") } }
            try await loop.moment()
            task.cancel()
            loop.addCallback { promise.trySucceed(7) }
            await #expect(throws: CancellationError.self) { try await task.value }
            var seen: [Int] = []
            for try await number in sequence { seen.append(number) }
            #expect(seen == [7])
        }
    }

    @Test func `a failure ends the loop, and the next loop goes on`() async throws {
        try await withLoop { loop async throws in
            let calls = Journal<Void>()
            let sequence = loop.sequence { () -> Future<Int?> in
                calls.note(())
                let call = calls.entries.count
                if call == 2 { return Future(on: loop, .failed(Oops("second"))) }
                return Future(on: loop, .finished(call < 4 ? call : nil))
            }
            var seen: [Int] = []
            do {
                for try await number in sequence { seen.append(number) }
                Issue.record("no failure came")
            } catch {
                #expect(error as? Oops == Oops("second"))
            }
            for try await number in sequence { seen.append(number) }
            #expect(seen == [1, 3])
        }
    }

    @Test func `iterated on another thread, it calls for the next on the loop`() async throws {
        try await withLoop { loop async throws in
            let threads = Journal<UInt>()
            let cursor = Cursor(["a", "b"], on: loop)
            let sequence = loop.sequence {
                threads.note(thisThread())
                return cursor.fetchNext()
            }
            let elsewhere = Task.detached {
                var seen: [String] = []
                for try await document in sequence { seen.append(document) }
                return seen
            }
            #expect(try await elsewhere.value == ["a", "b"])
            #expect(Set(threads.entries) == [thisThread()])
        }
    }
}

/// A cursor as a database driver has it: each document takes an iteration to come.
private final class Cursor: Sendable {
    private let loop: EventLoop
    private let documents: [String]
    private let fetched = Journal<Void>()

    init(_ documents: [String], on loop: EventLoop) {
        self.documents = documents
        self.loop = loop
    }

    var calls: Int { fetched.entries.count }

    func fetchNext() -> Future<String?> {
        let index = calls
        fetched.note(())
        let promise = loop.promise(of: String?.self)
        loop.addCallback { [documents] in promise.trySucceed(index < documents.count ? documents[index] : nil) }
        return promise.future
    }
}
