// The executor of one generator's body. It runs nothing by itself: jobs are stored until somebody steps the generator.
//
// Nearly all jobs are brought by the one who steps, inside the step: resuming the body enqueues it here, on the same
// thread, a moment before it is run. Those need no lock. What other threads bring (a native `await` that ended there)
// goes through one, which is made when it is first needed.

internal import Synchronization

/// Stores the jobs of one body and its child tasks, and says who may run them.
@usableFromInline
class GeneratorExecutor: TaskExecutor, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): the plain variables are touched by the stepping thread only, and `stepper` hands them
    // on from one to the next; with a `home`, also by the loop's thread between steps, which is then the only one that
    // steps. `foreign` has a lock.

    /// The loop that steps the body; nil for one that is stepped by hand.
    let home: EventLoop?
    /// Told when jobs come between steps. Home's thread.
    @exclusivity(unchecked) unowned(unsafe) var runner: Runner?  // SAFETY: clears itself here in its deinit.
    /// The same, while the body awaits something native and nobody else holds it.
    @exclusivity(unchecked) var heldRunner: Runner?
    /// Set once the body is to end: thrown at its present yield and at every one after.
    @exclusivity(unchecked) var ending: (any Error)?

    /// The thread that steps the body, 0 while nobody does.
    private let stepper = Atomic<UInt>(0)
    /// The next job, and those after it: a body without child tasks has at most one.
    @exclusivity(unchecked) private var job: UnownedJob?
    @exclusivity(unchecked) private var moreJobs: [UnownedJob] = []
    @exclusivity(unchecked) private var hasCalledHome = false

    private let foreign = AtomicLazyReference<Locked<[UnownedJob]>>()
    private let hasForeign = Atomic<Bool>(false)

    init(home: EventLoop?) { self.home = home }

    /// Takes the right to step; false when somebody has it.
    @usableFromInline
    final func enter() -> Bool {
        stepper.compareExchange(expected: 0, desired: threadIdentity(), ordering: .acquiringAndReleasing).exchanged
    }

    @usableFromInline
    final func leave() { stepper.store(0, ordering: .releasing) }

    /// True for the code that runs inside a step: the body and its child tasks.
    @usableFromInline
    final var isStepping: Bool { stepper.load(ordering: .relaxed) == threadIdentity() }

    @usableFromInline
    final func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Only the stepping thread can find its own number here.
        if isStepping { return keep(job) }
        guard let home, home.isCurrent else { return enqueueForeign(job) }
        keep(job)
        if hasCalledHome { return }
        hasCalledHome = true
        _ = home.add(.callback { self.jobsCame() })
    }

    private func enqueueForeign(_ job: UnownedJob) {
        // SAFETY: balanced below. Once the job can be seen, another thread may run the body to its end, and with that
        // let go of this object, which the runtime does not hold.
        let itself = Unmanaged.passRetained(self)
        defer { itself.release() }
        foreign.storeIfNil(Locked([])).withLock { jobs in
            jobs.append(job)
            hasForeign.store(true, ordering: .releasing)
        }
        if let home, !home.addCallback({ self.jobsCame() }) { runAfterlife() }
    }

    @usableFromInline
    final func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    /// Runs stored jobs on this thread, in the order they came, until there are none. Inside a step.
    @usableFromInline
    final func runStoredJobs() {
        while true {
            if let next = job {
                job = nil
                next.runSynchronously(on: asUnownedTaskExecutor())
            } else if !moreJobs.isEmpty {
                var batch: [UnownedJob] = []
                swap(&batch, &moreJobs)
                for next in batch { next.runSynchronously(on: asUnownedTaskExecutor()) }
            } else if hasForeign.load(ordering: .acquiring) {
                collectForeign()
            } else {
                return
            }
        }
    }

    private func keep(_ next: UnownedJob) {
        if job == nil, moreJobs.isEmpty { job = next } else { moreJobs.append(next) }
    }

    private func collectForeign() {
        foreign.load()?.withLock { jobs in
            moreJobs.append(contentsOf: jobs)
            jobs.removeAll(keepingCapacity: true)
            hasForeign.store(false, ordering: .relaxed)
        }
    }

    /// Ends a body that is at a `yield`, whatever it takes.
    func endBody(with error: any Error) {}

    /// The loop is closed and steps nobody any more. A native `await` that comes back even so finds the end of its loop at
    /// the next `yield`, on the thread it came back on.
    private func runAfterlife() {
        // Whoever is at it looks again after leaving.
        while hasForeign.load(ordering: .acquiring), enter() {
            ending = LoopError.closed
            runStoredJobs()
            heldRunner = nil
            leave()
            endBody(with: LoopError.closed)
        }
    }

    /// A native `await` of the body, or a child task, has something to run and nobody steps. Home's thread.
    private func jobsCame() {
        hasCalledHome = false
        runner?.jobsCame()
    }
}
