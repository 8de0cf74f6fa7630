// Time for tests: it stands still until a test moves it, and it moves only while the loop has nothing else to do.
//
// The loop asks its clock how long it may wait only when nothing is ready, and tells it when it has waited and nothing
// came. That second moment is the one place where this clock moves, one deadline at a time: a loop that still has bytes
// under way between its own streams is not idle, however often it sleeps. So a test that advances an hour sees every
// timer of that hour fire at its own instant, with everything that follows from it done before the next, and no test
// ever really sleeps.

public import Coro

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
/// Or it moves itself whenever all is asleep, and a test of an hour's timeout is over at once:
///
/// ```swift
/// try await withLoop(clock: ManualClock(whenIdle: .jumps)) { loop in
///     await #expect(throws: TimeoutError.self) {
///         try await loop.withTimeout(.seconds(3600)) { try await stream.read() }
///     }
/// }
/// ```
///
/// What the kernel or another thread still has in hand (bytes between processes, a thread pool) does not show that it is
/// on its way: use `.jumpsAfterQuiet`, or let what was sent arrive before moving the clock past a timeout.
///
/// - Threads: any. One clock serves one loop.
public final class ManualClock: LoopClock {
    /// What the clock does when the loop is idle and nobody advances it.
    public enum WhenIdle: Sendable, Equatable {
        /// Time stands; the loop waits for a descriptor or another thread.
        case stands
        /// Time jumps to the next deadline as soon as a look at all descriptors finds nothing: all sleeping is over at
        /// once, in the right order. Without a deadline the loop waits.
        case jumps
        /// As `jumps`, but only when nothing came for this long in real time: for loops that also wait for other threads
        /// and processes. (trio's `autojump_threshold`.)
        case jumpsAfterQuiet(Duration)
    }

    private struct State {
        var now: Int64
        /// Where `advance` wants the clock to be.
        var target: Int64
        /// The loop's next deadline, while it waits before the clock may move.
        var pending: Int64?
        /// To be kept when the clock has reached its target and the loop is idle.
        var arrivals: [WeakArrival] = []
    }

    private let state: Locked<State>
    private let whenIdle: WhenIdle

    /// Makes a clock that shows `start`.
    public init(startingAt start: LoopInstant = LoopInstant(nanoseconds: 0), whenIdle: WhenIdle = .stands) {
        state = Locked(State(now: start.nanoseconds, target: start.nanoseconds))
        self.whenIdle = whenIdle
    }

    /// Nanoseconds since the clock's own beginning.
    public var now: Int64 { state.withLock { $0.now } }

    // MARK: Moving it

    /// Moves the clock, and returns when the loop has done all that came due by then, and all that followed from it.
    ///
    /// - Parameters:
    ///   - duration: zero lets the loop become idle without moving the time; less is a mistake.
    ///   - loop: the loop that goes by this clock; by default the one that runs on this thread.
    /// - Throws: what waiting for a future of the loop throws.
    public func advance(by duration: Duration, on loop: EventLoop? = EventLoop.current) async throws {
        guard let loop else { preconditionFailure("Say which loop to advance: advance(by: …, on: loop).") }
        try await startAdvancing(by: duration, on: loop).value
    }

    /// Lets the loop advance; the future finishes when it has done all that came due by then.
    ///
    /// - After close: the future fails with `LoopError.closed`.
    @discardableResult
    public func startAdvancing(by duration: Duration, on loop: EventLoop) -> Future<Void> {
        precondition(duration >= .zero, "Time does not go back: advance by zero or more, not by \(duration).")
        let arrival = Arrival(loop.promise())
        // A timer that never comes due: only a loop that has timers asks its clock. It alone holds the arrival, so that a
        // loop that closes first lets go of it and the clock holds nothing of the loop.
        let reason = loop.callAt(LoopInstant(nanoseconds: .max)) { withExtendedLifetime(arrival) {} }
        arrival.promise.future.whenDone { _ in reason.cancel() }
        state.withLock { state in
            state.target = LoopInstant(nanoseconds: state.target).advanced(by: duration).nanoseconds
            // What the loop is waiting before was another move.
            state.pending = nil
            state.arrivals.append(WeakArrival(arrival: arrival))
        }
        loop.addCallback {}
        return arrival.promise.future
    }

    // MARK: What the loop asks and tells

    /// Called by the loop when nothing is ready: zero when the clock wants to move and the loop is to look at its
    /// descriptors once more before.
    public func wait(until deadline: Int64) -> Int64 {
        state.withLock { state in
            state.pending = nil
            if deadline <= state.now { return 0 }
            if state.now < state.target || !state.arrivals.isEmpty {
                state.pending = deadline
                return 0
            }
            guard deadline < .max, let quiet else { return -1 }
            state.pending = deadline
            return quiet
        }
    }

    /// Called by the loop when it has looked and nothing came. This is where time moves.
    public func idled() {
        let arrived = state.withLock { state -> [WeakArrival] in
            guard let deadline = state.pending.take() else { return [] }
            if deadline <= state.target || (state.arrivals.isEmpty && quiet != nil) {
                state.now = deadline
                state.target = max(state.target, deadline)
                return []
            }
            state.now = state.target
            defer { state.arrivals = [] }
            return state.arrivals
        }
        for arrival in arrived { arrival.arrival?.promise.trySucceed(()) }
    }

    /// How long nothing must have come before the clock jumps, in nanoseconds; nil when it does not.
    private var quiet: Int64? {
        switch whenIdle {
        case .stands: nil
        case .jumps: 0
        case .jumpsAfterQuiet(let duration): Int64(duration / .nanoseconds(1))
        }
    }
}

/// A promise to whoever advances the clock.
private final class Arrival: Sendable {
    let promise: Promise<Void>
    init(_ promise: Promise<Void>) { self.promise = promise }
}

private struct WeakArrival: Sendable {
    weak let arrival: Arrival?
}
