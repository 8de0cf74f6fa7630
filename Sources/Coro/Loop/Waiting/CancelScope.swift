// What the waits inside a piece of code obey: whether they are cancelled, and by when they must be over.
//
// Scopes nest, innermost first, bound by one task-local, so that a wait asks one question and child tasks inherit the
// answer. The outermost is the task's own (`TaskRecord`); `withDeadline`, `shielded` and `withScope` put theirs inside it.
// A scope wakes whom its cancel concerns. It can, because whoever sleeps is on its root: the task itself in one place of
// its own, which is all the hot path pays, and child tasks in a list.

internal import Synchronization

/// Code whose waits are cancelled together and share a deadline.
@usableFromInline
class CancelScope: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `cancelled` is atomic, `others` is touched on the loop's thread only, the rest is constant.

    @TaskLocal @usableFromInline static var current: CancelScope?

    final let loop: EventLoop
    final let parent: CancelScope?
    /// The spawned task that this scope belongs to. (It is the root, and alive for as long as the chain to it.)
    final private(set) unowned(unsafe) var task: TaskRecord?
    /// By when the waits inside must be over: this scope's own deadline or an outer one, whichever is earlier. A shield
    /// lets no outer one in.
    final let deadline: LoopInstant?
    /// What the `TimeoutError` of that deadline says; asked for when it is thrown.
    final let timeoutMessage: (@Sendable () -> String)?
    /// Keeps cancellation from outside away from the waits inside.
    final let isShield: Bool
    /// Child tasks asleep in this root's scopes. The task itself is in `TaskRecord.waiter`.
    private var others: [Waiter] = []
    private let cancelled = Atomic<Bool>(false)

    /// - Parameter parent: the scope around this one.
    init(
        loop: EventLoop, parent: CancelScope?, deadline: LoopInstant? = nil, isShield: Bool = false,
        timeoutMessage: (@Sendable () -> String)? = nil
    ) {
        self.loop = loop
        self.parent = parent
        self.isShield = isShield
        task = parent?.task
        let outer = isShield ? nil : parent?.deadline
        self.deadline = CancelScope.earlier(deadline, outer)
        // The message goes with the deadline that counts.
        let isOuter = outer != nil && self.deadline == outer && deadline != outer
        self.timeoutMessage = isOuter ? parent?.timeoutMessage : timeoutMessage
    }

    /// Makes this scope the root of `task`, which it is.
    final func adopt(as task: TaskRecord) { self.task = task }

    /// The outermost scope around this one: the task's own, where there is one.
    final var root: CancelScope {
        var scope = self
        while let parent = scope.parent { scope = parent }
        return scope
    }

    @inline(__always)
    static func earlier(_ one: LoopInstant?, _ other: LoopInstant?) -> LoopInstant? {
        guard let one else { return other }
        guard let other else { return one }
        return min(one, other)
    }

    /// The error of a wait that outlived the deadline of `scope`, or a deadline of its own.
    static func timeout(in scope: CancelScope?) -> TimeoutError { TimeoutError(scope?.timeoutMessage?() ?? "Timeout") }

    // MARK: Cancelled or not

    /// True when the waits of code with this scope are to throw `CancellationError`. Asked by the task itself.
    ///
    /// Level-triggered: what is cancelled stays so, and every further wait inside throws.
    @inline(__always)
    static func isCancelled(in scope: CancelScope?) -> Bool {
        guard let scope, scope.isShield || scope.parent != nil else { return _Concurrency.Task.isCancelled }
        return scope.isCancelledInside(ofTask: _Concurrency.Task.isCancelled)
    }

    /// - Parameter task: whether the task around all scopes is cancelled.
    final func isCancelledInside(ofTask task: Bool) -> Bool {
        var scope = self
        while true {
            if scope.cancelled.load(ordering: .acquiring) { return true }
            if scope.isShield { return false }
            guard let parent = scope.parent else { return task }
            scope = parent
        }
    }

    /// True when a shield is between this place and the task: its cancellation is not ours to hear of.
    final var isShielded: Bool {
        var scope: CancelScope? = self
        while let current = scope {
            if current.isShield { return true }
            scope = current.parent
        }
        return false
    }

    /// True once this very scope was cancelled.
    final var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    /// Marks this very scope as cancelled, and wakes nobody; false when it was before. Any thread.
    final func markCancelled() -> Bool { !cancelled.exchange(true, ordering: .acquiringAndReleasing) }

    /// Makes the waits inside throw, those that sleep now and those to come. Loop's thread.
    final func cancelWaits() {
        cancelled.store(true, ordering: .releasing)
        let root = root
        task?.wakeIfCancelled()
        for waiter in root.others where waiter.scope?.isCancelledInside(ofTask: false) == true {
            waiter.requestCancel()
        }
    }

    // MARK: Child tasks asleep

    /// Remembers a child task that falls asleep in a scope of this root. Loop's thread.
    final func enter(_ waiter: Waiter) { others.append(waiter) }

    final func leave(_ waiter: Waiter) {
        // The one that came last leaves first, mostly.
        if let index = others.lastIndex(where: { $0 === waiter }) { others.remove(at: index) }
    }
}
