// What is known of one spawned task, from its making to its end: who it is, for those who look from outside, and where it
// sleeps, for those who cancel it.
//
// Only we hold the native handle of a task we spawn, so nobody can cancel it but through us. Its waits therefore need no
// cancellation handler, which costs two locked changes of the task's status a wait: `cancel` finds the sleeping waiter
// here. Child tasks (`async let`, groups) and tasks made elsewhere are cancelled by the runtime, and their waits pay.

internal import Synchronization

/// A spawned task: its outermost scope, and its entry in the loop's list of tasks.
@usableFromInline
final class TaskRecord: CancelScope, Ending, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): what is not constant is touched on the loop's thread only, but for `native`, which is
    // written once before others see the record, and the atomic.

    /// Where the task sleeps; nil while it runs, or waits for something that is not of Coro. (First, beside what the scope
    /// keeps of its cancelling: where thousands are cancelled at once, nothing of them is in a cache.)
    @exclusivity(unchecked) fileprivate(set) var waiter: Waiter?

    /// Counts up through the life of the process.
    let id: UInt64
    @usableFromInline let name: String?
    /// The task that spawned this one; 0 when there was none.
    let parentID: UInt64
    @usableFromInline let origin: SourcePlace

    /// The handle by which the task is cancelled. Set once, by who spawns, before anybody can ask for it.
    private(set) var native: _Concurrency.Task<Void, Never>?
    /// The native task, as a number to compare: whose wait is this?
    private let identity = Atomic<UInt>(0)
    /// How often it went to sleep here.
    @exclusivity(unchecked) fileprivate(set) var suspensions = 0
    private(set) var hasBegun = false
    /// Nanoseconds it has computed while the loop was observed.
    var busy: Int64 = 0

    /// Where the scope that it was spawned in has it: not yet, there, or no more.
    enum PlaceInScope: Equatable { case none, at(Int32), left }

    /// Touched under that scope's lock.
    @exclusivity(unchecked) var placeInScope = PlaceInScope.none

    fileprivate unowned(unsafe) var next: TaskRecord?
    fileprivate unowned(unsafe) var previous: TaskRecord?
    fileprivate var isListed = false

    private static let newest = Atomic<UInt64>(0)

    @usableFromInline
    init(
        loop: EventLoop, name: String?, origin: SourcePlace, deadline: LoopInstant? = nil,
        timeoutMessage: (@Sendable () -> String)? = nil
    ) {
        id = TaskRecord.newest.wrappingAdd(1, ordering: .relaxed).newValue
        self.name = name
        self.origin = origin
        parentID = CancelScope.current?.task?.id ?? 0
        super.init(loop: loop, parent: nil, deadline: deadline, timeoutMessage: timeoutMessage)
        adopt(as: self)
        if loop.isCurrent { loop.tasksAlive.insert(self) }
    }

    /// Makes the native task with this record as its outermost scope.
    @usableFromInline
    func asScope(_ make: () -> _Concurrency.Task<Void, Never>) -> _Concurrency.Task<Void, Never> {
        CancelScope.$current.withValue(self, operation: make)
    }

    /// Called by who spawned the task.
    @usableFromInline
    func adopt(_ native: _Concurrency.Task<Void, Never>) {
        self.native = native
        // SAFETY: a task's handle is one reference to it, and only its bits are kept, to be compared while it lives.
        identity.store(unsafeBitCast(native, to: UInt.self), ordering: .relaxed)
    }

    /// Called by the task as its first act.
    @usableFromInline
    func begin() {
        hasBegun = true
        if loop.isCurrent { loop.tasksAlive.insert(self) }
        if loop.isObserved { tellBeginning() }
    }

    /// Called by the task as its last.
    @usableFromInline
    func end() {
        if loop.isObserved { tellEnd() }
        identity.store(0, ordering: .relaxed)
        if loop.isCurrent { loop.tasksAlive.remove(self) }
    }

    /// True when the continuation is this very task's and not a child's.
    ///
    /// A continuation's bits are the reference to its task. Were they ever not, this would be false, and a wait only slower.
    @inline(__always)
    func owns(_ continuation: UnsafeContinuation<Void, Never>) -> Bool {
        // SAFETY: both are one word, compared and not followed.
        identity.load(ordering: .relaxed) == unsafeBitCast(continuation, to: UInt.self)
    }

    // MARK: Cancelled

    /// Cancels the task: its present wait, unless that is shielded, and those to come. Any thread.
    ///
    /// Of many that are cancelled in one moment, most are told in later iterations (`Endings`): it is the runtime that
    /// takes its time. They sleep here, and whatever wakes one tells it first, so its own code cannot see the difference.
    func cancelTask() {
        guard markCancelled() else { return }
        guard loop.isCurrent else {
            native?.cancel()
            loop.addCallback { if self.waiter != nil { self.loop.endInTurn(self) } }
            return
        }
        if waiter != nil { loop.endInTurn(self) } else { native?.cancel() }
    }

    /// Cancels the task if it sleeps, and tells it when its turn has come: nobody's code runs. False when it is awake, and
    /// nothing has been done. Loop's thread.
    func cancelAsleep() -> Bool {
        guard waiter != nil else { return false }
        if markCancelled() { loop.endLater(self) }
        return true
    }

    /// Tells the task, and wakes it unless it sleeps behind a shield.
    package func takePlace() {
        native?.cancel()
        if let waiter, waiter.scope?.isCancelledInside(ofTask: true) == true { waiter.wake(.cancelled) }
    }

    /// A scope inside was cancelled: wakes the task if it sleeps there. Loop's thread.
    func wakeIfCancelled() {
        if let waiter, waiter.scope?.isCancelledInside(ofTask: false) == true { waiter.wake(.cancelled) }
    }

    // MARK: Asleep

    @inline(__always)
    func fallsAsleep(_ waiter: Waiter) {
        self.waiter = waiter
        suspensions &+= 1
    }

    @inline(__always)
    func wakes() {
        waiter = nil
        // Cancelled, and its turn to be told has not come: this is the last moment at which it can be told unnoticed.
        if isCancelled { native?.cancel() }
    }
}

/// The spawned tasks of one loop that have not ended: a list through the records, which are held by their tasks.
struct TaskList {
    private unowned(unsafe) var first: TaskRecord?
    private(set) var count = 0

    mutating func insert(_ record: TaskRecord) {
        guard !record.isListed else { return }
        record.isListed = true
        record.next = first
        first?.previous = record
        first = record
        count += 1
    }

    mutating func remove(_ record: TaskRecord) {
        guard record.isListed else { return }
        record.isListed = false
        count -= 1
        if let previous = record.previous { previous.next = record.next } else { first = record.next }
        record.next?.previous = record.previous
        record.next = nil
        record.previous = nil
    }

    /// Forgets all: the loop is closed, and what still runs does so without it.
    mutating func removeAll() {
        while let record = first { remove(record) }
    }

    /// Calls `body` with each, the newest first.
    func forEach(_ body: (TaskRecord) -> Void) {
        var record = first
        while let current = record {
            record = current.next
            body(current)
        }
    }
}
