// How a loop is doing, in numbers. They are counted whether anybody asks or not: a few additions an iteration, none for a
// callback. What would cost readings of the clock is known only while the loop is observed.

/// What a loop has done since it was made, and what it has before it.
public struct LoopStatistics: Sendable, Hashable, CustomStringConvertible {
    /// Iterations begun.
    public var iterations: Int
    /// Iterations that had nothing to do and waited in epoll; the others only looked.
    public var waits: Int
    /// Callbacks and jobs that have run.
    public var callbacksAndJobs: Int
    /// Timers that have fired.
    public var timersFired: Int

    /// Callbacks and jobs that stand in the queue now.
    public var ready: Int
    /// The most that one iteration found there: beyond some hundreds, everybody waits for everybody.
    public var readyMost: Int
    /// Timers that have not fired.
    public var timers: Int
    /// Descriptors that are registered.
    public var descriptors: Int
    /// Spawned tasks that have not ended.
    public var tasks: Int
    /// Tasks and coroutines that are asleep.
    public var sleepers: Int

    /// How late the last timer fired, after its deadline: what a busy loop costs those who wait.
    public var timerLag: Duration
    /// How late the latest of all fired.
    public var timerLagWorst: Duration

    /// Time spent in callbacks, jobs, timers and handlers, while the loop was observed; nil when it never was.
    public var busy: Duration?
    /// Time spent waiting in epoll, while the loop was observed; nil when it never was.
    public var asleep: Duration?

    /// All of it in one line.
    public var description: String {
        var text = """
            \(iterations) iterations (\(waits) waited), \(callbacksAndJobs) callbacks and jobs, \
            \(timersFired) timers fired, \(ready) ready (\(readyMost) at most), \(timers) timers, \
            \(descriptors) descriptors, \(tasks) tasks, \(sleepers) asleep, \
            timer lag \(timerLag.brief) (\(timerLagWorst.brief) at worst)
            """
        if let busy { text += ", busy \(busy.brief)" }
        if let asleep { text += ", asleep \(asleep.brief)" }
        return text
    }
}

/// The numbers that a loop keeps up to date. Loop's thread.
struct LoopCounts {
    var iterations = 0
    var waits = 0
    var callbacksAndJobs = 0
    var timersFired = 0
    var readyMost = 0
    /// Nanoseconds.
    var timerLag: Int64 = 0
    var timerLagWorst: Int64 = 0

    @inline(__always)
    mutating func phaseBegan(ready: Int) {
        callbacksAndJobs &+= ready
        if ready > readyMost { readyMost = ready }
    }

    /// - Parameter late: nanoseconds since its deadline.
    @inline(__always)
    mutating func timerFires(late: Int64) {
        timersFired &+= 1
        timerLag = late
        if late > timerLagWorst { timerLagWorst = late }
    }
}

extension EventLoop {
    /// The loop's numbers at this moment.
    ///
    /// May be called from any thread; only on the loop's own does it not suspend. A loop that nobody runs answers when it
    /// is run again.
    ///
    /// - Throws: `LoopError.closed`, `CancellationError`, `TimeoutError` past the task's deadline.
    /// - Complexity: O(descriptors + sleepers).
    public func statistics() async throws -> LoopStatistics { try await answer { self.statisticsNow } }

    /// Loop's thread.
    var statisticsNow: LoopStatistics {
        var sleepers = 0
        suspended.forEach { _ in sleepers += 1 }
        let wasObserved = observation.busy > 0 || observation.asleep > 0
        return LoopStatistics(
            iterations: counts.iterations, waits: counts.waits, callbacksAndJobs: counts.callbacksAndJobs,
            timersFired: counts.timersFired, ready: ready.count, readyMost: counts.readyMost, timers: timers.count,
            descriptors: poller.registrationCount, tasks: tasksAlive.count, sleepers: sleepers,
            timerLag: .nanoseconds(counts.timerLag), timerLagWorst: .nanoseconds(counts.timerLagWorst),
            busy: wasObserved ? .nanoseconds(observation.busy) : nil,
            asleep: wasObserved ? .nanoseconds(observation.asleep) : nil)
    }

    /// Asks the loop something on its own thread, from any.
    func answer<Answer: Sendable>(_ question: @escaping () -> Answer) async throws -> Answer {
        if isCurrent { return question() }
        let answer = Locked<Answer?>(nil)
        try await park(on: self, for: "asking the loop") { waiter in
            let given = question()
            answer.withLock { $0 = given }
            waiter.wake(.ready)
        }
        guard let given = answer.withLock({ $0 }) else { throw LoopError.closed }
        return given
    }
}
