// The same thing again and again, on a grid: the period is from start to start, and work that takes longer than it skips
// whole rounds instead of shifting those that follow.

internal import Synchronization

/// Instants a period apart, of which some are skipped and none is moved.
struct Grid: Sendable {
    private let period: Int64
    private let jitter: Double
    /// The round to wait for, in nanoseconds of the loop's clock.
    private(set) var next: Int64

    /// A grid whose first round is one period after `start`.
    init(period: Duration, jitter: Double, start: LoopInstant) {
        precondition(period > .zero, "A period must be longer than nothing; \(period) is not.")
        precondition((0...1).contains(jitter), "Jitter is a share of the period, from 0 to 1; \(jitter) is not.")
        self.period = max(1, period.clampedNanoseconds)
        self.jitter = jitter
        next = start.nanoseconds
        advance(past: next)
    }

    /// Goes on to the first round after `now`. A clock that has gone back is one round further, like any other.
    mutating func advance(past now: Int64, random: Double = .random(in: 0..<1)) {
        let step = jitter == 0 ? period : jittered(random)
        var rounds: Int64 = 1
        if now >= next {
            let (late, overflow) = now.subtractingReportingOverflow(next)
            rounds += (overflow ? .max - 1 : late) / step
        }
        let (distance, tooFar) = rounds.multipliedReportingOverflow(by: step)
        let (sum, pastEnd) = next.addingReportingOverflow(distance)
        next = tooFar || pastEnd ? .max : sum
    }

    /// The period, longer or shorter by up to half the jitter.
    private func jittered(_ random: Double) -> Int64 {
        let step = Double(period) * (1 + jitter * (random - 0.5))
        return step < Double(Int64.max) ? max(1, Int64(step)) : .max
    }
}

/// Work that a loop does once in every period, until it is stopped.
///
/// Dropping it does not stop it; `stop()` does, and closing the loop.
public final class Periodic: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `isStopped` is atomic; `grid`, `body`, `timer` and `sleeper` are touched on the
    // loop's thread only.

    /// The loop it works on.
    public let loop: EventLoop
    private var grid: Grid
    private var body: (() throws -> Void)?
    private let isStopped = Atomic<Bool>(false)
    /// Who waits for the next round: a timer for a callback, a task for an async body.
    private var timer: LoopTimer?
    private var sleeper: Waiter?

    fileprivate init(on loop: EventLoop, grid: Grid, body: (() throws -> Void)? = nil) {
        self.loop = loop
        self.grid = grid
        self.body = body
    }

    /// True until it is stopped or its loop closes.
    public var isRunning: Bool { !isStopped.load(ordering: .acquiring) && !loop.isClosed }

    /// Ends it: no further round begins. One that is under way, which may be the caller, goes on to its end.
    ///
    /// May be called from any thread and more than once.
    public func stop() {
        isStopped.store(true, ordering: .releasing)
        guard loop.isCurrent else {
            loop.addCallback { self.stop() }
            return
        }
        timer.take()?.cancel()
        sleeper?.wake(.ready)
        body = nil
    }

    // MARK: A callback

    fileprivate func arm() {
        guard isRunning else { return }
        let timer = LoopTimer(loop: loop, deadline: LoopInstant(nanoseconds: grid.next)) { self.runCallback() }
        loop.timers.insert(timer)
        self.timer = timer
    }

    private func runCallback() {
        do { try body?() } catch { Report.callbackFailed(error) }
        grid.advance(past: loop.now.nanoseconds)
        arm()
    }

    // MARK: An async body

    /// One task for all rounds: so they cannot overlap, and they have the task-locals of whoever asked for them.
    fileprivate func run(_ body: () async throws -> Void) async throws {
        while true {
            try await waitForRound()
            guard isRunning else { return }
            do {
                try await body()
            } catch {
                guard !loop.isClosed else { throw error }
                Report.callbackFailed(error)
            }
            grid.advance(past: loop.now.nanoseconds)
        }
    }

    private func waitForRound() async throws {
        try await park(on: loop) { waiter in
            guard self.isRunning else { return waiter.wake(.ready) }
            let deadline = LoopInstant(nanoseconds: self.grid.next)
            let timer = WakeTimer(loop: self.loop, deadline: deadline, waking: waiter, .ready)
            self.loop.timers.insert(timer)
            self.sleeper = waiter
            waiter.whenWoken {
                timer.cancel()
                self.sleeper = nil
            }
        }
    }
}

extension EventLoop {
    /// Calls `callback` every `period`, for the first time one period from now.
    ///
    /// The period is from start to start. A callback that takes longer skips whole rounds, so that those it does keep
    /// are where they would have been. One that throws is reported and the rounds go on.
    ///
    /// - Parameters:
    ///   - period: longer than zero.
    ///   - jitter: the share of the period, from 0 to 1, by which rounds are spread: 0.1 makes each period up to 5 %
    ///     longer or shorter, so that many programs started at once do not work at once for ever.
    /// - Runs on: the loop's thread, as a timer. May be called from any thread.
    /// - After close: no round begins.
    @discardableResult
    public func every(
        _ period: Duration, jitter: Double = 0, _ callback: @escaping @Sendable () throws -> Void
    ) -> Periodic {
        let grid = Grid(period: period, jitter: jitter, start: now)
        let periodic = Periodic(on: self, grid: grid, body: callback)
        if isCurrent { periodic.arm() } else { addCallback { periodic.arm() } }
        return periodic
    }

    /// Runs async code every `period`, never twice at once, for the first time one period from now.
    ///
    /// All rounds are run by one task of this loop, which has the task-locals of the caller. A round that has not ended
    /// when others are due skips them. Closing the loop ends the waits of the round under way. The rest is as for a
    /// plain callback.
    @discardableResult
    public func every(
        _ period: Duration, jitter: Double = 0, _ body: @escaping @Sendable () async throws -> Void
    ) -> Periodic {
        let periodic = Periodic(on: self, grid: Grid(period: period, jitter: jitter, start: now))
        spawn { try await periodic.run(body) }
        return periodic
    }

    /// The instants of a grid, one every `period`, as a sequence to wait through.
    ///
    ///     for try await tick in loop.ticks(every: .seconds(1)) { … }
    ///
    /// Each iterator has a grid of its own, which begins when it is made. See `Ticks`.
    public func ticks(every period: Duration, jitter: Double = 0) -> Ticks {
        Ticks(loop: self, period: period, jitter: jitter)
    }
}

/// Instants a period apart. The first comes one period after the iteration began; whoever comes back too late for some
/// does not get those.
public struct Ticks: AsyncSequence, Sendable {
    fileprivate let loop: EventLoop
    fileprivate let period: Duration
    fileprivate let jitter: Double

    public func makeAsyncIterator() -> Iterator {
        Iterator(loop: loop, grid: Grid(period: period, jitter: jitter, start: loop.now))
    }

    /// Waits for one tick after the other.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let loop: EventLoop
        fileprivate var grid: Grid
        /// Set when the grid's present round was handed out.
        private var isTaken = false

        fileprivate init(loop: EventLoop, grid: Grid) {
            self.loop = loop
            self.grid = grid
        }

        /// Suspends until the next tick is due and returns the instant it was due at. Never nil.
        ///
        /// - Throws: `CancellationError`, `TimeoutError`, `LoopError.closed`; the tick is then still to come.
        public mutating func next() async throws -> LoopInstant? {
            if isTaken { grid.advance(past: loop.now.nanoseconds) }
            isTaken = false
            let tick = LoopInstant(nanoseconds: grid.next)
            try await loop.sleep(until: tick)
            isTaken = true
            return tick
        }
    }
}
