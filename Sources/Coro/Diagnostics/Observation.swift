// The probe of an observed loop: tells observers, measures what each piece of work took, and knows what runs now.
//
// Settings may be changed from any thread and count from the next iteration; during one they do not change, so that
// whoever is told of a beginning is told of the end.

/// Everything that is known of a loop only because somebody asked.
final class Observation: Probe, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `settings` is behind its lock; everything else is touched on the loop's thread only.

    struct Settings: Sendable {
        var observers: [any LoopObserver] = []
        /// Work that takes longer is reported; nanoseconds.
        var slowLimit: Int64?
        /// What the watchdog sees of the loop.
        var pulse: Pulse?

        var isEmpty: Bool { observers.isEmpty && slowLimit == nil && pulse == nil }
    }

    private let settings = Locked(Settings())
    /// Those of the iteration under way.
    private var present = Settings()

    private var work = LoopWork(kind: .callback)
    /// The task whose job runs.
    private var task: TaskRecord?
    private var workBeganAt: Int64 = 0
    private var waitBeganAt: Int64 = 0

    /// Nanoseconds of work, and of waiting in epoll, while the loop was observed.
    private(set) var busy: Int64 = 0
    private(set) var asleep: Int64 = 0

    /// Changes what is observed, from any thread.
    func change(on loop: EventLoop, _ body: (inout Settings) -> Void) {
        // What was there before goes after the lock: an observer's `deinit` is anybody's code.
        _ = settings.withLock { settings in
            let before = settings
            body(&settings)
            // Under the lock, so that of two who change at once the flag is the later one's.
            loop.isObserved = !settings.isEmpty
            return before
        }
    }

    var place: SourcePlace? { work.place }

    // MARK: An iteration

    func iterationBegan(on loop: EventLoop) {
        present = settings.withLock { $0 }
        for observer in present.observers { observer.iterationBegan(on: loop) }
    }

    func iterationEnded(on loop: EventLoop) {
        // Let go of now: if nobody observes any more, there is no next iteration to do it.
        let ended = present
        present = Settings()
        ended.pulse?.rest(at: Watchdog.now)
        for observer in ended.observers { observer.iterationEnded(on: loop) }
    }

    func waitBegan(on loop: EventLoop) { waitBeganAt = loop.now.nanoseconds }

    func waitEnded(on loop: EventLoop) {
        asleep &+= loop.now.nanoseconds &- waitBeganAt
        present.pulse?.beat(at: Watchdog.now)
    }

    // MARK: A piece of work

    func workBegan(_ kind: LoopWork.Kind, on loop: EventLoop) { begin(LoopWork(kind: kind), on: loop) }

    func deliveryBegan(to registration: any Registration, on loop: EventLoop) {
        let descriptor = registration.descriptor
        begin(LoopWork(kind: .readiness, place: registration.place, descriptor: descriptor), on: loop)
    }

    private func begin(_ work: LoopWork, on loop: EventLoop) {
        self.work = work
        task = nil
        present.pulse?.runs(work)
        for observer in present.observers { observer.workBegan(work, on: loop) }
        workBeganAt = loop.now.nanoseconds
    }

    func workEnded(on loop: EventLoop) {
        let took = max(0, loop.now.nanoseconds &- workBeganAt)
        busy &+= took
        task?.busy &+= took
        task = nil
        for observer in present.observers { observer.workEnded(work, took: .nanoseconds(took), on: loop) }
        if let limit = present.slowLimit, took > limit {
            Report.slow(SlowWork(work: work, duration: .nanoseconds(took), limit: .nanoseconds(limit)))
        }
    }

    // MARK: What runs says who it is

    /// The present work was made at `place`.
    func runs(from place: SourcePlace) {
        work.place = place
        present.pulse?.runs(work)
    }

    /// The present job is of `task`.
    func runs(_ task: TaskRecord) {
        self.task = task
        work.place = task.origin
        work.taskID = task.id
        work.taskName = task.name
        present.pulse?.runs(work)
    }

    func taskBegan(_ task: TaskRecord) {
        runs(task)
        let snapshot = TaskSnapshot(task, now: task.loop.iterationTime)
        for observer in present.observers { observer.taskBegan(snapshot, on: task.loop) }
    }

    func taskEnded(_ task: TaskRecord) {
        let snapshot = TaskSnapshot(task, now: task.loop.iterationTime)
        for observer in present.observers { observer.taskEnded(snapshot, on: task.loop) }
    }

    /// The loop is found blocked, by the watchdog's thread.
    func isBlocked(_ block: LoopBlocked, on loop: EventLoop) {
        for observer in settings.withLock({ $0.observers }) { observer.loopBlocked(block, on: loop) }
    }
}

extension EventLoop {
    /// `callback`, which in an observed loop says where it was added before it runs.
    ///
    /// A closure around the closure, and only then: a place beside every callback in the queue would triple what the
    /// loop moves for each.
    @inline(__always)
    func placed(
        _ callback: @escaping @Sendable () throws -> Void, _ file: StaticString, _ line: UInt
    ) -> @Sendable () throws -> Void {
        guard isObserved else { return callback }
        return EventLoop.saying(SourcePlace(file: file, line: line), callback)
    }

    @inline(never)
    private static func saying(
        _ place: SourcePlace, _ callback: @escaping @Sendable () throws -> Void
    ) -> @Sendable () throws -> Void {
        // Asks for the loop when it runs: holding it here, a callback in the queue of a dropped loop would keep it.
        {
            EventLoop.current?.observation.runs(from: place)
            try callback()
        }
    }
}

// What a task tells an observed loop. The caller asks `isObserved` first.
extension TaskRecord {
    /// Called by the task when it runs again after a wait.
    func resumes() { tell { $0.runs(self) } }

    /// Called by the task as its first act, and as its last.
    func tellBeginning() { tell { $0.taskBegan(self) } }
    func tellEnd() { tell { $0.taskEnded(self) } }

    /// Tells it, unless the loop is over.
    private func tell(_ body: (Observation) -> Void) {
        if loop.isCurrent { body(loop.observation) }
    }
}
