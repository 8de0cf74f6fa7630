// The fixture: a loop for one test, from its making to the proof that nothing of it is left.

public import Coro

/// Makes a loop on a thread of its own, runs `body` on it, closes it, and checks that the loop is gone.
///
/// - Parameters:
///   - clock: what the loop goes by. With a `ManualClock` nothing ever really sleeps.
///   - seconds: real time after which a body that has not ended is given up.
///   - staysBehind: set when the test keeps something of the loop (a future, a task) on purpose.
/// - Returns: what `body` returns.
/// - Throws: what `body` throws; `LoopTestError`.
@discardableResult
public func withLoop<Result: Sendable>(
    clock: any LoopClock = MonotonicClock(), seconds: Int = 60, staysBehind: Bool = false,
    _ body: @escaping @Sendable (EventLoop) async throws -> Result
) async throws -> Result {
    let (result, loop) = try await runToEnd(clock, seconds, body)
    // Another thread may be just about to let go of it.
    var patience = staysBehind ? 0 : 2_000
    while loop.isThere, patience > 0 {
        patience -= 1
        try? await Task.sleep(for: .milliseconds(1))
    }
    let value = try result.get()
    if loop.isThere, !staysBehind { throw LoopTestError.leaked }
    return value
}

/// What the fixture itself finds wrong.
public enum LoopTestError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The body had not ended in time.
    case hung(seconds: Int)
    /// The loop was closed and something still holds it.
    case leaked

    public var description: String {
        switch self {
        case .hung(let seconds): "The test was still waiting after \(seconds) s and was given up."
        case .leaked: "The loop is closed and dropped, and still something holds it: a reference cycle, or a global."
        }
    }
}

private func runToEnd<Result: Sendable>(
    _ clock: any LoopClock, _ seconds: Int, _ body: @escaping @Sendable (EventLoop) async throws -> Result
) async throws -> (Swift.Result<Result, any Error>, WeakLoop) {
    let loop = try EventLoop(clock: clock)
    // Spawned here and not on the other thread, so that the test's task-locals come along: by them `#expect` knows
    // which test it belongs to.
    let task = loop.spawn { try await body(loop) }
    let result = try await onOwnThread {
        let watchdog = Watchdog(after: seconds) { loop.stop() }
        let result = Swift.Result { try loop.runSync { try await task.value } }
        watchdog.callOff()
        try loop.close()
        return watchdog.hasBarked ? .failure(LoopTestError.hung(seconds: seconds)) : result
    }
    return (result, WeakLoop(loop: loop))
}

private struct WeakLoop: Sendable {
    weak let loop: EventLoop?
    var isThere: Bool { loop != nil }
}
