// Who is on a loop and where each one hangs, as values that anybody may keep. `TaskTree` draws them.

/// One task or suspended coroutine of a loop, at the moment it was asked for.
public struct TaskSnapshot: Sendable, Hashable {
    /// What it is.
    public enum Kind: String, Sendable {
        /// Started by `spawn`, `future`, a scope or `runSync`.
        case task
        /// A task that Swift made (`async let`, a task group, `Task { }`) and that is asleep on the loop. One that is awake
        /// is not seen.
        case guest
        /// A generator-style coroutine that waits.
        case coroutine
    }

    /// How it stands.
    public enum State: Sendable, Hashable {
        /// It has not run yet.
        case created
        /// It runs, is about to, or waits for something that is not Coro's.
        case active
        /// It is asleep: what for ("sleeping", "reading"), where that was made if it is known, and how long already. (The
        /// start is taken from the iteration, so no clock is read for it.)
        case suspended(reason: String, place: SourcePlace?, duration: Duration?)
    }

    /// What it is.
    public let kind: Kind
    /// Counts up through the life of the process; nil for all but spawned tasks.
    public let id: UInt64?
    /// The name it was spawned with.
    public let name: String?
    /// The task that spawned it, or whose child it is; it may have ended.
    public let parentID: UInt64?
    /// Where it was spawned.
    public let origin: SourcePlace?
    /// How it stands.
    public let state: State
    /// How often it has gone on after a sleep.
    public let resumes: Int
    /// How long it has computed, while the loop was observed; nil when it was not.
    public let busy: Duration?

    init(
        kind: Kind, id: UInt64? = nil, name: String? = nil, parentID: UInt64? = nil, origin: SourcePlace? = nil,
        state: State, resumes: Int = 0, busy: Duration? = nil
    ) {
        self.kind = kind
        self.id = id
        self.name = name
        self.parentID = parentID
        self.origin = origin
        self.state = state
        self.resumes = resumes
        self.busy = busy
    }
}

extension TaskSnapshot {
    init(_ task: TaskRecord, now: Int64) {
        let isAsleep = task.waiter != nil
        self.init(
            kind: .task, id: task.id, name: task.name, parentID: task.parentID == 0 ? nil : task.parentID,
            origin: task.origin,
            state: task.waiter.map { State(of: $0, now: now) } ?? (task.hasBegun ? .active : .created),
            resumes: task.suspensions - (isAsleep ? 1 : 0), busy: task.busy == 0 ? nil : .nanoseconds(task.busy))
    }

    /// A sleeper that is no spawned task; nil for those, which are listed by themselves.
    fileprivate init?(_ sleeper: Suspended, now: Int64) {
        let state = State(of: sleeper, now: now)
        guard let waiter = sleeper as? Waiter else {
            self.init(kind: .coroutine, state: state)
            return
        }
        guard waiter.task == nil else { return nil }
        self.init(kind: .guest, parentID: waiter.scope?.task?.id, state: state)
    }
}

extension TaskSnapshot.State {
    fileprivate init(of sleeper: Suspended, now: Int64) {
        let duration: Duration? =
            sleeper.since == 0 || now == sleeper.since ? nil : .nanoseconds(max(0, now &- sleeper.since))
        self = .suspended(reason: "\(sleeper.reason)", place: sleeper.place, duration: duration)
    }
}

extension EventLoop {
    /// Every task of this loop that has not ended, and every coroutine that waits here: the oldest task first, coroutines
    /// last.
    ///
    /// May be asked from any thread; only on the loop's own does it not suspend. A loop that nobody runs answers when it
    /// is run again.
    ///
    /// - Throws: `LoopError.closed`, `CancellationError`, `TimeoutError` past the task's deadline.
    /// - Complexity: O(n log n).
    public var tasks: [TaskSnapshot] {
        get async throws { try await answer { self.tasksNow } }
    }

    /// All tasks as an indented tree, each under the one that spawned it: its name, how it stands, where it waits and for
    /// how long, where it was spawned. See `tasks`.
    public func dumpTasks() async throws -> String { try await answer { TaskTree(self.tasksNow).description } }

    /// Loop's thread.
    var tasksNow: [TaskSnapshot] {
        let now = now.nanoseconds
        var all: [TaskSnapshot] = []
        tasksAlive.forEach { all.append(TaskSnapshot($0, now: now)) }
        all.sort { ($0.id ?? 0) < ($1.id ?? 0) }
        suspended.forEach { sleeper in
            if let snapshot = TaskSnapshot(sleeper, now: now) { all.append(snapshot) }
        }
        return all
    }
}
