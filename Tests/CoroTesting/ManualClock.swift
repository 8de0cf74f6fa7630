// Time for tests: it stands still until a test moves it, and it moves only while the loop has nothing else to do.
//
// The loop asks its clock how long it may wait only when it is idle. That question is the one place where this clock
// moves, one deadline at a time. So a test that advances an hour sees every timer of that hour fire at its own
// instant, with everything that follows from it done before the next, and no test ever really sleeps.

public import Coro
internal import Synchronization

/// A clock that is moved by hand, for loops under test.
///
/// ```swift
/// let clock = ManualClock()
/// try await withLoop(clock: clock) { loop in
///     let nap = loop.sleep(.seconds(3600))
///     try await clock.advance(by: .seconds(3600))
///     #expect(nap.isDone)
/// }
/// ```
///
/// Bytes on real descriptors take real iterations: let what was sent arrive before moving the clock past a timeout.
///
/// - Threads: any. One clock serves one loop.
public final class ManualClock: LoopClock {
    /// What the clock does when the loop is idle and nobody advances it.
    public enum WhenIdle: Sendable {
        /// Time stands; the loop waits for a descriptor or another thread.
        case stands
        /// Time jumps to the next deadline, so that all sleeping is over at once, in the right order.
        case jumps
    }

    private struct State {
        var now: Int64
        /// Where `advance` wants the clock to be.
        var target: Int64
        /// Set when the loop has looked at its descriptors since the last move.
        var hasLooked = false
        /// To be kept when the clock has reached its target and the loop is idle.
        var arrivals: [Promise<Void>] = []
    }

    private let state: Mutex<State>
    private let whenIdle: WhenIdle

    public init(startingAt start: LoopInstant = LoopInstant(nanoseconds: 0), whenIdle: WhenIdle = .stands) {
        state = Mutex(State(now: start.nanoseconds, target: start.nanoseconds))
        self.whenIdle = whenIdle
    }

    public var now: Int64 { state.withLock { $0.now } }

    /// Moves the clock, and returns when the loop has done all that came due by then, and all that followed from it.
    ///
    /// - Parameter loop: the loop that goes by this clock; by default the one that runs on this thread.
    /// - Throws: what waiting for a future of the loop throws.
    public func advance(by duration: Duration, on loop: EventLoop? = EventLoop.current) async throws {
        guard let loop else { preconditionFailure("Say which loop to advance: advance(by: …, on: loop).") }
        try await startAdvancing(by: duration, on: loop).value
    }

    /// Lets the loop advance; the future finishes when it has done all that came due by then.
    @discardableResult
    public func startAdvancing(by duration: Duration, on loop: EventLoop) -> Future<Void> {
        let promise = loop.promise(of: Void.self)
        // A timer that never comes due: only a loop that has timers asks its clock.
        let reason = loop.callAt(LoopInstant(nanoseconds: .max)) {}
        promise.future.whenDone { _ in reason.cancel() }
        state.withLock { state in
            state.target = LoopInstant(nanoseconds: state.target).advanced(by: duration).nanoseconds
            state.hasLooked = false
            state.arrivals.append(promise)
        }
        loop.addCallback {}
        return promise.future
    }

    /// Called by the loop when it is idle. This is where time moves.
    public func wait(until deadline: Int64) -> Int64 {
        let (timeout, arrived) = state.withLock { state in step(&state, to: deadline) }
        for promise in arrived { promise.trySucceed(()) }
        return timeout
    }

    private func step(_ state: inout State, to deadline: Int64) -> (timeout: Int64, arrived: [Promise<Void>]) {
        if deadline <= state.now { return (0, []) }
        let jumps = whenIdle == .jumps && deadline < .max
        guard jumps || state.now < state.target || !state.arrivals.isEmpty else { return (-1, []) }
        // A descriptor may be ready that the loop has not looked at: idle is only who has.
        guard state.hasLooked else {
            state.hasLooked = true
            return (0, [])
        }
        state.hasLooked = false
        if deadline <= state.target || (jumps && state.arrivals.isEmpty) {
            state.now = deadline
            state.target = max(state.target, deadline)
            return (0, [])
        }
        state.now = state.target
        defer { state.arrivals = [] }
        return (0, state.arrivals)
    }
}
