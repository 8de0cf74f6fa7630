// The fixture: a loop for one test, from its making to the proof that nothing of it is left.

public import Coro
internal import Glibc

/// Makes a loop on a thread of its own, runs `body` on it, closes it, and checks that the test left nothing behind.
///
/// ```swift
/// @Test func `a line comes back`() async throws {
///     try await withLoop(seconds: 5) { loop in
///         let pair = try StreamPair(on: loop)
///         try await pair.left.write("hello\n")
///         #expect(try await pair.right.read(until: 10) == Array("hello\n".utf8))
///     }
/// }
/// ```
///
/// After the body, what is ready and what follows from it still runs, so that a task which the body cancels as its last
/// act has its end. What is there after that is a leak, and the test fails: tasks that have not ended, descriptors still
/// registered on the loop (a stream or listener that somebody still holds), reported failures that no `ReportRecorder`
/// waited for, and, when the loop is closed and dropped, the loop itself. A test that leaves something on purpose says so
/// by `allowing`.
///
/// When something was drawn from a seed, the order or a stream's faults, failed expectations name the seed, and what is
/// thrown comes as `SeededFailure`.
///
/// A body that has not ended in time is given up, and the error names every task, with the place where it was made and
/// what it waits for.
///
/// - Parameters:
///   - clock: what the loop goes by. With a `ManualClock` nothing ever really sleeps.
///   - order: `.seeded()` shuffles what has no promised order.
///   - seconds: real time after which a body that has not ended is given up.
///   - leftovers: what the test may leave behind.
/// - Returns: what `body` returns.
/// - Throws: what `body` throws; `LoopTestError`.
@discardableResult
public func withLoop<Result: Sendable>(
    clock: any LoopClock = MonotonicClock(), order: ReadyOrder = .ofArrival, seconds: Int = 60,
    allowing leftovers: LoopLeftovers = [], file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (EventLoop) async throws -> Result
) async throws -> Result {
    let trial = Trial(
        clock: clock, order: order, seconds: seconds, allowed: leftovers, place: SourcePlace(file: file, line: line))
    let turn = await Turns.shared.take()
    defer { turn.end() }
    let chances = Chances()
    if let seed = order.seed { chances.note("ready work was shuffled", seed: seed) }
    return try await commentingIssues({ chances.all }) {
        do {
            return try await Chances.$current.withValue(chances) { try await trial.run(body) }
        } catch {
            throw chances.all.isEmpty ? error : SeededFailure(failure: error, chances: chances.all)
        }
    }
}

/// What a test may leave behind on its loop. See `withLoop`.
public struct LoopLeftovers: OptionSet, Sendable {
    /// One bit for each kind.
    public let rawValue: Int
    /// A set of these bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// Tasks and coroutines that have not ended; closing the loop ends them.
    public static let tasks = LoopLeftovers(rawValue: 1)
    /// Descriptors registered on the loop; closing it closes those it owns.
    public static let descriptors = LoopLeftovers(rawValue: 2)
    /// Failures that nobody catches; they go where they always go.
    public static let reports = LoopLeftovers(rawValue: 4)
    /// The loop itself, held by something that outlives the test (a future, a task).
    public static let loop = LoopLeftovers(rawValue: 8)
}

/// One body on one loop.
private struct Trial: Sendable {
    let clock: any LoopClock
    let order: ReadyOrder
    let seconds: Int
    let allowed: LoopLeftovers
    let place: SourcePlace

    func run<Result: Sendable>(_ body: @escaping @Sendable (EventLoop) async throws -> Result) async throws -> Result {
        let (result, loop, reports) = try await runToEnd(body)
        let value = try result.get()
        // Another thread may be just about to let go of it.
        var patience = allowed.contains(.loop) ? 0 : 2_000
        while loop.isThere, patience > 0 {
            patience -= 1
            try? await Task.sleep(for: .milliseconds(1))
        }
        if let failures = reports?.failures, !failures.isEmpty {
            throw LoopTestError.reported(failures.map(\.description))
        }
        if loop.isThere, !allowed.contains(.loop) { throw LoopTestError.leaked }
        return value
    }

    private func runToEnd<Result: Sendable>(
        _ body: @escaping @Sendable (EventLoop) async throws -> Result
    ) async throws -> (Swift.Result<Result, any Error>, WeakLoop, ReportRecorder?) {
        let loop = try EventLoop(clock: clock)
        order.apply(to: loop)
        let reports = allowed.contains(.reports) ? nil : ReportRecorder(unclaimedOf: ObjectIdentifier(loop))
        // Spawned here and not on the other thread, so that the test's task-locals come along: by them `#expect` knows
        // which test it belongs to.
        let task = loop.spawn(name: "body", file: place.file, line: place.line) { try await body(loop) }
        let result = try await onOwnThread(answering: { (answer: Answer<Swift.Result<Result, any Error>>) in
            let thread = ThreadProbe()
            let watchdog = Watchdog(after: seconds) { giveUp(loop, thread, answer) }
            let hasEnded = try loop.run { task.future.isDone }
            watchdog.callOff()
            let result = Swift.Result<Result, any Error> {
                guard hasEnded else {
                    guard watchdog.hasBarked else { throw LoopError.stoppedBeforeCompletion }
                    // Who could go on is not what hangs: on a busy machine a task may not even have begun.
                    try loop.settle()
                    throw LoopTestError.hung(seconds: seconds, tasks: loop.leftovers().tasks)
                }
                let value = try task.future.get()
                let leftovers = try leftovers(of: loop)
                guard leftovers.isEmpty else {
                    throw LoopTestError.leftBehind(tasks: leftovers.tasks, descriptors: leftovers.descriptors)
                }
                return value
            }
            // Said before the loop is closed: what hung may hang in that too.
            if !hasEnded { answer.give(.success(result)) }
            try loop.close()
            return result
        })
        return (result, WeakLoop(loop: loop), reports)
    }

    /// What there is and should not be, when all has had its chance to end.
    private func leftovers(of loop: EventLoop) throws -> Leftovers {
        loop.letGoOfFaults()
        // Bytes, and the end of a connection, may still be on their way between two sockets.
        var patience = 500
        while true {
            try loop.settle()
            var found = loop.leftovers()
            if allowed.contains(.tasks) { found.tasks = [] }
            if allowed.contains(.descriptors) { found.descriptors = [] }
            if found.isEmpty || patience == 0 { return found }
            patience -= 1
            usleep(1_000)
        }
    }

    /// The time is up. A loop that turns can be stopped; a thread that does not come back is left behind.
    private func giveUp<Result>(_ loop: EventLoop, _ thread: ThreadProbe, _ answer: Answer<Result>) {
        loop.stop()
        for _ in 0..<200 {
            if answer.isGiven { return }
            usleep(10_000)
        }
        answer.give(.failure(LoopTestError.blocked(seconds: seconds, activity: thread.activity)))
    }
}

private struct WeakLoop: Sendable {
    weak let loop: EventLoop?
    var isThere: Bool { loop != nil }
}
