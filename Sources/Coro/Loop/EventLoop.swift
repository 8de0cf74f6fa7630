// Owns one iteration and its order, and nothing else: what is ready comes from `Poller`, `Inbox` and `TimerQueue`;
// how native `async` code gets here is in `EventLoop+Executor.swift`, how it all ends in `EventLoop+Closing.swift`.
//
// An iteration is: wait in epoll, deliver readiness, run the callbacks and jobs that were ready when that phase
// began, run due timers. Work added while a phase runs waits for the next iteration. Two things follow, and both
// are the point: a callback that keeps adding callbacks cannot starve I/O, and no callback ever runs inside the
// call that scheduled it, so code after `promise.succeed(…)` never finds the world changed under it.

import Glibc
internal import Synchronization

/// An event loop: one thread that waits for descriptors, timers and other threads, and runs what became ready.
///
/// Callbacks, futures, generator-style coroutines and native `async` code spawned here all run on the thread that
/// calls `run()`, one at a time, so they need no locks among themselves.
///
/// - Runs on: the thread inside `run()` or `runSync(…)`. `addCallback`, `callLater`, `stop` and completing a promise
///   may be called from any thread; everything else belongs to the loop's thread.
/// - After close: late callbacks are dropped, late futures fail, late Swift jobs still run so that tasks can end.
public final class EventLoop: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): the stored properties below are of two kinds. `inbox`, `owner` and `phase` are
    // thread-safe by themselves. All others are touched only by the thread that `owner` names, or, while nobody
    // runs the loop, by the one thread that sets it up or closes it.

    /// Work for the callback phase, in order of arrival.
    ///
    /// (Run-time exclusivity checks are off for what every iteration touches: one thread does, and no access to these
    /// calls out while it lasts.)
    @exclusivity(unchecked) var ready = WorkQueue()
    /// Set while a continuation is resumed whose task is to run at once, and the job that this brought.
    @exclusivity(unchecked) private var takesNextJob = false
    @exclusivity(unchecked) private var nextJob: UnownedJob?

    @exclusivity(unchecked) var poller: Poller
    @exclusivity(unchecked) var timers = TimerQueue()
    @exclusivity(unchecked) var endings = Endings()
    /// Native tasks and coroutines that sleep on this loop; `close()` wakes them so that their clean-up runs.
    @exclusivity(unchecked) var suspended = SuspendedList()
    /// The spawned tasks that have not ended.
    @exclusivity(unchecked) var tasksAlive = TaskList()
    /// True while anybody observes the loop: asked once an iteration, and wherever a place would be worth keeping.
    @inline(__always)
    var isObserved: Bool {
        get { observed.load(ordering: .relaxed) }
        set { observed.store(newValue, ordering: .relaxed) }
    }
    private let observed = Atomic<Bool>(false)
    let observation = Observation()
    @exclusivity(unchecked) var counts = LoopCounts()
    /// For tests: puts independent work out of its order. Nil in production. See `Shuffle`.
    @exclusivity(unchecked) package var shuffle: Shuffle?
    /// Read and write buffers that busy streams borrow and idle ones give back.
    let buffers = BufferPool()

    let inbox: Inbox
    /// The `pthread_t` of the thread that runs the loop, 0 while nobody does.
    private let owner = Atomic<UInt>(0)
    let phase = Atomic<Phase.RawValue>(Phase.idle.rawValue)
    private let clock: any LoopClock
    /// Time is read with every timer that is armed: the system's clock is then asked directly, not as an existential.
    private let isSystemClock: Bool

    /// The time this iteration began, in nanoseconds of the loop's clock. Reading it costs nothing, and everything
    /// that one iteration does sees the same instant.
    @exclusivity(unchecked) package private(set) var iterationTime: Int64 = 0
    @exclusivity(unchecked) private var stopRequested = false
    /// Iterations since epoll was asked, and the time when it was.
    @exclusivity(unchecked) private var looksSkipped = 0
    @exclusivity(unchecked) private var lastLook: Int64 = 0
    /// The `iterationTime` of the loop's making.
    private let madeAt: Int64
    /// Counts up when a run begins and when it ends: odd while one is under way.
    private let runs = Atomic<Int>(0)

    enum Phase: UInt8 { case idle, running, closing, closed }

    /// Makes a loop with its own epoll instance and waker.
    ///
    /// - Parameter clock: what timers and deadlines go by. Tests pass a manual one.
    /// - Throws: `IOError` when the process has no descriptor left.
    public init(clock: any LoopClock = MonotonicClock()) throws(IOError) {
        self.clock = clock
        isSystemClock = clock is MonotonicClock
        var poller = try Poller()
        do {
            inbox = try Inbox()
        } catch {
            poller.close()
            throw error
        }
        self.poller = poller
        try poller.add(inbox.waker.descriptor, interest: Interest.taking, token: Inbox.token)
        iterationTime = clock.now
        madeAt = iterationTime
        obey(DebugOptions.environment)
    }

    deinit {
        poller.close()
        ready.free()
    }

    // MARK: Running

    /// Runs iterations until `stop()`.
    ///
    /// - Throws: `LoopError.alreadyRunning` when this loop, or another one on this thread, is running;
    ///   `LoopError.closed` after `close()`.
    public func run() throws(LoopError) {
        try enter()
        defer { leave() }
        obeyAsFirst(DebugOptions.environment)
        while !stopRequested {
            iterate()
        }
    }

    /// Makes `run()` return after the current iteration; before `run()`, makes the next one return at once.
    ///
    /// May be called from any thread. What is ready but has not run yet is kept for the next `run()`.
    public func stop() {
        // A stop is meant for one run: when that ends by itself first, the next one must not be hit.
        let run = runs.load(ordering: .acquiring) | 1
        addCallback {
            if self.runs.load(ordering: .relaxed) == run { self.stopRequested = true }
        }
    }

    /// Runs iterations until `done` says so; returns false when `stop()` came first.
    package func run(until done: () -> Bool) throws(LoopError) -> Bool {
        try enter()
        defer { leave() }
        obeyAsFirst(DebugOptions.environment)
        while !done() {
            if stopRequested { return false }
            iterate()
        }
        return true
    }

    /// The calling thread becomes the loop's.
    func enter() throws(LoopError) {
        guard EventLoop.current == nil else { throw .alreadyRunning }
        let (entered, found) = phase.compareExchange(
            expected: Phase.idle.rawValue, desired: Phase.running.rawValue, ordering: .acquiringAndReleasing)
        guard entered else {
            throw found == Phase.running.rawValue ? .alreadyRunning : .closed
        }
        owner.store(threadIdentity(), ordering: .releasing)
        runs.wrappingAdd(1, ordering: .acquiringAndReleasing)
        CurrentLoop.set(self)
        iterationTime = clock.now
    }

    /// The loop's thread gives it up.
    func leave(to next: Phase = .idle) {
        endAll()
        stopRequested = false
        runs.wrappingAdd(1, ordering: .acquiringAndReleasing)
        CurrentLoop.set(nil)
        owner.store(0, ordering: .releasing)
        phase.store(next.rawValue, ordering: .releasing)
    }

    // MARK: One iteration

    /// One iteration, compiled twice: for a loop that is observed and for one that is not (`Probe`).
    private func iterate() {
        counts.iterations &+= 1
        if isObserved { iterateObserved() } else { iterate(Unobserved()) }
    }

    /// Out of line: what it needs of the stack is not to be set up for the other.
    @inline(never)
    private func iterateObserved() { iterate(observation) }

    @inline(__always)
    private func iterate(_ probe: some Probe) {
        probe.iterationBegan(on: self)
        endings.renew()
        poll(probe)
        if !endings.isEmpty || ready.count > Endings.least { endSome() }
        runReady(probe)
        if !timers.isEmpty { runTimers(probe) }
        probe.iterationEnded(on: self)
    }

    /// Waits for readiness (not at all when work is ready, until the next timer otherwise) and delivers it. With work
    /// to do, and having looked a moment ago, it does not even look.
    @inline(__always)
    private func poll(_ probe: some Probe) {
        var timeout: Int64 = 0
        var isIdle = false
        if !ready.isEmpty, mayGoOnUnseeing() {
            iterationTime = clock.now
            // For who watches: the loop goes on.
            probe.waitBegan(on: self)
            probe.waitEnded(on: self)
            if inbox.hasWork { inbox.drain(into: &ready) }
            return
        }
        looksSkipped = 0
        if ready.isEmpty && endings.isEmpty && !stopRequested {
            // A descriptor wakes epoll by itself; another thread's work wakes it through the eventfd, but only if
            // that thread sees that we sleep. Announcing it first and looking at the inbox second closes the race.
            if inbox.prepareToSleep() {
                isIdle = true
                timeout = timers.nextDeadline.map { clock.wait(until: $0) } ?? -1
                if timeout != 0 { counts.waits &+= 1 }
            }
        }
        probe.waitBegan(on: self)
        let count = poller.wait(timeout: timeout)
        inbox.wakeUp()
        if isIdle, count == 0, !inbox.hasWork { clock.idled() }
        iterationTime = clock.now
        lastLook = iterationTime
        probe.waitEnded(on: self)
        if let shuffle { poller.shuffle(count, shuffle) }
        for index in 0..<count {
            guard let (registration, readiness) = poller.event(index) else { continue }
            if readiness.isEnd, registration.endsMayWait, !endings.admit() {
                standAside(registration, readiness)
                continue
            }
            probe.deliveryBegan(to: registration, on: self)
            registration.deliver(readiness)
            probe.workEnded(on: self)
        }
        if inbox.hasWork { inbox.drain(into: &ready) }
    }

    /// True when there is work and the descriptors were looked at a moment ago: the system call costs more than many a
    /// unit of work. Bounded in iterations and in time, so that work that never ends cannot keep I/O waiting.
    private func mayGoOnUnseeing() -> Bool {
        guard looksSkipped < EventLoop.looksSkippedMax, iterationTime - lastLook < EventLoop.unseeingMax else {
            return false
        }
        looksSkipped += 1
        return true
    }

    private static let looksSkippedMax = 3
    /// In nanoseconds.
    private static let unseeingMax: Int64 = 20_000

    /// Runs what is ready outside of any iteration, while the loop closes.
    func runReady() {
        guard isObserved else { return runReady(Unobserved()) }
        observation.iterationBegan(on: self)
        runReady(observation)
        observation.iterationEnded(on: self)
    }

    /// Runs what was ready when this phase began; what that adds stands behind it in the queue and waits.
    @inline(__always)
    private func runReady(_ probe: some Probe) {
        let count = ready.count
        guard count > 0 else { return }
        counts.phaseBegan(ready: count)
        if let shuffle { shuffle.disorder(&ready) }
        for _ in 0..<count {
            perform(ready.removeFirst(), probe)
        }
    }

    @inline(__always)
    private func perform(_ work: Work, _ probe: some Probe) {
        switch work {
        case .job(let job):
            probe.workBegan(.job, on: self)
            // The executor named here must be the one the job was enqueued on, or the runtime enqueues it again.
            job.runSynchronously(on: asUnownedTaskExecutor())
        case .resume(let continuation):
            probe.workBegan(.job, on: self)
            // The job that this enqueues runs here and now: its iteration is this one.
            takesNextJob = true
            continuation.resume()
            takesNextJob = false
            nextJob.take()?.runSynchronously(on: asUnownedTaskExecutor())
        case .callback(let callback):
            probe.workBegan(.callback, on: self)
            do { try callback() } catch { Report.callbackFailed(error, origin: probe.place) }
        }
        probe.workEnded(on: self)
    }

    @inline(__always)
    private func runTimers(_ probe: some Probe) {
        // Only those armed before this phase: a timer that re-arms itself for "now" waits an iteration.
        let last = timers.beginPhase(now: iterationTime)
        while let timer = timers.popDue(now: iterationTime, armedUpTo: last) {
            // Not before the loop was made: a deadline may be any number.
            counts.timerFires(late: iterationTime &- max(timer.deadline.nanoseconds, madeAt))
            if timer.isExpiry, !endings.admit() {
                standAside(timer)
                continue
            }
            probe.workBegan(.timer, on: self)
            do { try timer.fire() } catch { Report.callbackFailed(error, origin: probe.place) }
            probe.workEnded(on: self)
        }
    }

    // MARK: Adding work

    /// Runs `callback` in a later iteration, after everything that was added before it.
    ///
    /// May be called from any thread, and wakes a sleeping loop. A callback that throws is reported and the others
    /// still run. The place is kept, and named in reports, only while the loop is observed.
    ///
    /// - Returns: false when the loop is closed and the callback was dropped.
    @discardableResult
    public func addCallback(
        file: StaticString = #fileID, line: UInt = #line, _ callback: @escaping @Sendable () throws -> Void
    ) -> Bool {
        add(.callback(placed(callback, file, line)))
    }

    /// The one door for work from anywhere; false when the loop is closed.
    @inline(__always)
    func add(_ work: consuming Work) -> Bool {
        if isCurrent {
            ready.append(work)
            return true
        }
        return inbox.add(work)
    }

    /// Takes a job in: any thread.
    @inline(__always)
    func add(job: UnownedJob) {
        if isCurrent, takesNextJob {
            takesNextJob = false
            nextJob = job
        } else {
            _ = add(.job(job))
        }
    }

    /// True on the thread that runs this loop, while it runs.
    @inline(__always)
    public var isCurrent: Bool { owner.load(ordering: .relaxed) == threadIdentity() }

    /// The loop that runs on this thread, if one does.
    public static var current: EventLoop? { CurrentLoop.get() }

    /// The present instant of the loop's clock.
    ///
    /// Inside an iteration this is a fresh reading, not the iteration's starting time.
    public var now: LoopInstant { LoopInstant(nanoseconds: isSystemClock ? MonotonicClock().now : clock.now) }
}
