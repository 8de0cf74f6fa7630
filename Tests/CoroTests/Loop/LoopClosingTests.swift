import Coro
import CoroTesting
import Testing

@Suite(.ownThread) struct LoopClosingTests {
    @Test func `a closed loop refuses to run and drops callbacks, and closing it again does nothing`() throws {
        let loop = try EventLoop()
        try loop.close()
        #expect(loop.isClosed)
        #expect(throws: LoopError.closed) { try loop.run() }
        #expect(throws: LoopError.closed) { try loop.runSync {} }
        #expect(loop.addCallback {} == false)
        loop.callLater(.zero) { Issue.record("a timer of a closed loop fired") }.cancel()
        loop.stop()
        try loop.close()
    }

    @Test func `case 24: adding callbacks while the loop closes never fails, and late ones are dropped`() async throws {
        for _ in 0..<20 {
            let loop = try EventLoop()
            let accepted = Journal<Int>()
            let ran = Journal<Int>()
            async let adding: Void = onOwnThread {
                for number in 0..<20_000 {
                    guard loop.addCallback({ ran.note(number) }) else { return }
                    accepted.note(number)
                }
            }
            async let closing: Void = onOwnThread {
                loop.stop()
                try loop.run()
                try loop.close()
            }
            try await adding
            try await closing
            #expect(loop.addCallback {} == false)
            // What was accepted before the loop closed has run, in order; nothing else has.
            #expect(ran.entries == accepted.entries)
        }
    }

    @Test func `closing wakes sleeping tasks and runs their clean-up on the loop`() throws {
        let loop = try EventLoop()
        let notes = Journal<String>()
        let tasks = (0..<5).map { number in
            loop.spawn {
                defer { notes.note("cleaned \(number) \(loop.isCurrent)") }
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch LoopError.closed {
                    notes.note("closed \(number)")
                }
            }
        }
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(notes.entries.filter { $0.hasPrefix("closed") }.count == 5)
        #expect(notes.entries.filter { $0.hasPrefix("cleaned") && $0.hasSuffix("true") }.count == 5)
        #expect(tasks.allSatisfy { $0.future.isDone })
    }

    @Test func `clean-up that sleeps again is woken again`() throws {
        let loop = try EventLoop()
        let rounds = Journal<Int>()
        loop.spawn {
            for round in 0..<10 {
                do { try await loop.sleep(for: .seconds(3600)) } catch { rounds.note(round) }
            }
        }
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(rounds.entries == Array(0..<10))
    }

    @Test func `a callback that adds itself for ever cannot keep the loop from closing`() throws {
        let loop = try EventLoop()
        // The last reference to a promise with an observer goes when the callback is dropped.
        @Sendable func again(_ held: Promise<Int>) { loop.addCallback { again(held) } }
        func start() {
            let held = loop.promise(of: Int.self)
            held.future.whenDone { _ in }
            again(held)
        }
        start()
        try loop.close()
        #expect(loop.isClosed)
    }

    @Test func `a task that never ends cannot keep the loop from closing`() throws {
        let loop = try EventLoop()
        let rounds = Journal<Void>()
        // Retrying after whatever failure, as background loops are often written.
        loop.spawn {
            while true {
                try? await loop.sleep(for: .seconds(60))
                rounds.note(())
            }
        }
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(loop.isClosed)
        #expect(rounds.entries.count > 10)
        #expect(rounds.entries.count < 10_000)
    }

    @Test func `timers that are dropped may cancel other timers and break promises`() throws {
        let loop = try EventLoop()
        let observed = Journal<String>()
        func arm() {
            let other = loop.callLater(.seconds(1)) {}
            let promise = loop.promise(of: Int.self)
            promise.future.whenDone { observed.note("\($0.isDone)") }
            let ending = AtEnd { other.cancel() }
            for _ in 0..<3 { loop.callLater(.seconds(2)) { _ = (ending, promise) } }
        }
        arm()
        loop.stop()
        try loop.run()
        try loop.close()
        #expect(observed.entries == ["true"])
    }

    @Test func `handlers that are dropped may remove other handlers`() throws {
        let loop = try EventLoop()
        let pair = SocketPair()
        func register() throws {
            let ending = AtEnd {
                loop.removeHandler(pair.left)
                loop.removeHandler(pair.right)
            }
            try loop.addHandler(pair.left, interest: .readable) { _ in _ = ending }
            try loop.addHandler(pair.right, interest: .readable) { _ in _ = ending }
        }
        try register()
        try loop.close()
    }

    @Test func `a callback that is still in the inbox when the loop closes may hold the last promise`() async throws {
        for _ in 0..<50 {
            let loop = try EventLoop()
            async let adding: Void = onOwnThread {
                for _ in 0..<1_000 {
                    let promise = loop.promise(of: Int.self)
                    promise.future.whenDone { _ in }
                    guard loop.addCallback({ _ = promise }) else { return }
                }
            }
            try await onOwnThread { try loop.close() }
            try await adding
        }
    }

    @Test func `a task spawned on a closed loop runs, and its first wait throws`() async throws {
        let loop = try EventLoop()
        try loop.close()
        let errors = Journal<String>()
        await withCheckedContinuation { continuation in
            loop.spawn {
                do { try await loop.sleep(for: .zero) } catch { errors.note("\(error)") }
                do { try await loop.moment() } catch { errors.note("\(error)") }
                do { _ = try await loop.promise(of: Int.self).future.value } catch { errors.note("\(error)") }
                continuation.resume()
            }
        }
        // The promise of the last one was dropped at once.
        #expect(errors.entries == Array(repeating: "\(LoopError.closed)", count: 3))
    }

    @Test func `a future completed after its loop closed has its result, and no observer is called`() async throws {
        let loop = try EventLoop()
        let early = loop.promise(of: Int.self)
        early.future.whenDone { _ in Issue.record("an observer ran on a closed loop") }
        try loop.close()
        #expect(early.trySucceed(1))
        #expect(!early.trySucceed(2))
        #expect(try early.future.get() == 1)
        #expect(try await early.future.value == 1)
        let late = loop.promise(of: Int.self)
        late.future.cancel()
        #expect(late.future.isCancelled)
    }

    @Test func `a coroutine started on a closed loop never runs, and its future has failed`() async throws {
        let loop = try EventLoop()
        try loop.close()
        let future = loop.coroutine { _ in 1 }
        await #expect(throws: LoopError.closed) { try await future.value }
    }

    @Test func `waiting on a closed loop for a result that never came throws`() async throws {
        let loop = try EventLoop()
        let promise = loop.promise(of: Int.self)
        try loop.close()
        await #expect(throws: LoopError.closed) { try await promise.future.value }
        _ = promise
    }

    @Test func `a native task elsewhere that waits for the loop's future is woken when the loop closes`() async throws {
        for _ in 0..<50 {
            let loop = try EventLoop()
            let promise = loop.promise(of: Int.self)
            let waiting = Task { try await promise.future.value }
            try await onOwnThread {
                loop.stop()
                try loop.run()
                try loop.close()
            }
            await #expect(throws: LoopError.closed) { try await waiting.value }
        }
    }

    @Test func `closing a loop with sleepers writes no report`() throws {
        let recorder = ReportRecorder { $0.error is LoopError || $0.error is AbandonedError }
        let loop = try EventLoop()
        loop.spawn { try await loop.sleep(for: .seconds(3600)) }
        _ = loop.sleep(.seconds(3600))
        _ = loop.coroutine { co in try await co.yield(loop.sleep(.seconds(3600))) }
        loop.stop()
        try loop.run()
        try loop.close()
        let ours = recorder.failures.filter { ($0.origin?.description ?? "").contains("LoopClosingTests") }
        #expect(ours.isEmpty)
    }

    @Test func `opening and closing loops leaves the descriptors as they were`() async throws {
        // In a process of its own, where nobody else opens any.
        await #expect(processExitsWith: .success) {
            func openAndClose() throws {
                let loop = try EventLoop()
                try loop.runSync { try await loop.moment() }
                try loop.close()
            }
            try openAndClose()
            let before = OpenDescriptors.count
            for _ in 0..<300 { try openAndClose() }
            for _ in 0..<300 { _ = try EventLoop() }
            // A few may be of the testing library, which works beside us; a leak of ours would be a hundred.
            #expect(OpenDescriptors.count <= before + 8)
        }
    }
}

/// Calls something when the last reference goes.
final class AtEnd: Sendable {
    private let action: @Sendable () -> Void
    init(_ action: @escaping @Sendable () -> Void) { self.action = action }
    deinit { action() }
}
