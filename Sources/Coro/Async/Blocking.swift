// Blocking work as something to await. One piece of it is a task of Swift's whose executor is the piece itself: the
// runtime hands over the task's one job, the job stands in the pool's queue, and a thread runs it. So the work has the
// task-locals of its caller, which nothing but a task can carry.
//
// A job cannot be thrown away, or its task would never end. Work that is cancelled in the queue is taken out and its job
// run on the spot, and finds that there is nothing to do.

extension EventLoop {
    /// Runs work that blocks its thread, on a thread of a pool, and suspends until it has ended.
    ///
    ///     let text = try await loop.runBlocking { try readFile() }
    ///
    /// The work has the caller's task-locals. Work that no thread has begun is cancelled with the wait for it and never
    /// runs. Work that has begun cannot be interrupted: the caller goes on at once, the result is dropped, and a failure
    /// is reported.
    ///
    /// - Throws: what `work` throws; `CancellationError`, `TimeoutError`, `LoopError.closed`;
    ///   `ThreadPoolError.shutDown`.
    @discardableResult
    public func runBlocking<Value: Sendable>(
        on pool: ThreadPool = .shared, file: StaticString = #fileID, line: UInt = #line,
        _ work: sending @escaping () throws -> Value
    ) async throws -> Value {
        if CancelScope.isCancelled(in: CancelScope.current) { throw CancellationError() }
        let (future, piece) = start(work, on: pool.crew, SourcePlace(file: file, line: line))
        do {
            try await park(on: self) { waiter in future.whenSettled { waiter.wake(.ready) } }
        } catch {
            piece.cancel()
            future.cancel()
            // It failed in the very moment that the wait for it ended.
            if case .failed(let failure) = future.result, piece.refusal == nil { BlockingWork.reportDropped(failure) }
            throw error
        }
        return try future.get()
    }

    /// A future of work that blocks its thread: `co.yield(loop.blocking { try readFile() })`.
    ///
    /// The work is queued at once. Cancelling the future before a thread has begun it takes it out of the queue. See
    /// `runBlocking`.
    ///
    /// - After close: the work does not run, and the future has failed with `LoopError.closed`.
    public func blocking<Value: Sendable>(
        on pool: ThreadPool = .shared, file: StaticString = #fileID, line: UInt = #line,
        _ work: sending @escaping () throws -> Value
    ) -> Future<Value> {
        start(work, on: pool.crew, SourcePlace(file: file, line: line)).future
    }

    private func start<Value: Sendable>(
        _ work: sending @escaping () throws -> Value, on crew: ThreadCrew, _ origin: SourcePlace
    ) -> (future: Future<Value>, piece: BlockingWork) {
        let promise = Promise<Value>(on: self, origin: origin)
        let piece = BlockingWork(crew: crew)
        promise.onCancel { piece.cancel() }
        if isClosed { piece.end(with: LoopError.closed) }
        _Concurrency.Task(executorPreference: piece) {
            if let refusal = piece.refusal {
                promise.tryFail(refusal)
                return
            }
            do {
                promise.trySucceed(try work())
            } catch {
                if !promise.tryFail(error) { BlockingWork.reportDropped(error) }
            }
        }
        waitForThread(of: crew)
        return (promise.future, piece)
    }

    /// When the system had no thread to give and the pool has none, asks again until it has: nobody else would.
    private func waitForThread(of crew: ThreadCrew) {
        guard crew.isStarved() else { return }
        callLater(.milliseconds(10)) { self.waitForThread(of: crew) }
    }
}

/// A piece of blocking work: the executor of the task that does it, and that task's place in the queue.
final class BlockingWork: TaskExecutor, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `next`, `previous` and `isQueued` are touched under the crew's mutex; `state` is
    // locked. (unowned(unsafe)): a piece that has a previous one is held by it, in the list.

    fileprivate var next: BlockingWork?
    fileprivate unowned(unsafe) var previous: BlockingWork?
    fileprivate var isQueued = false

    private struct State: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): guarded by the lock around it.
        var job: UnownedJob?
        var refusal: (any Error)?
    }

    private let state = Locked(State())
    private let crew: ThreadCrew

    fileprivate init(crew: ThreadCrew) { self.crew = crew }

    /// Why the work is not to be done: it was cancelled, or its loop or pool had ended.
    var refusal: (any Error)? { state.withLock { $0.refusal } }

    /// Takes the task's job, which the runtime hands over inside the call that makes the task.
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isRefused = state.withLock { state in
            state.job = job
            return state.refusal != nil
        }
        if isRefused { return run() }
        if !crew.add(self) { end(with: ThreadPoolError.shutDown) }
    }

    /// Keeps the work from being done, unless a thread has begun it. Any thread.
    func cancel() {
        if crew.remove(self) { end(with: CancellationError()) }
    }

    /// Ends work that is in no queue. Not to be called twice.
    func end(with refusal: any Error) {
        state.withLock { $0.refusal = refusal }
        run()
    }

    /// Runs the task's job, if it is there, on this thread.
    func run() {
        guard let job = state.withLock({ $0.job.take() }) else { return }
        job.runSynchronously(on: asUnownedTaskExecutor())
    }

    func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    fileprivate static func reportDropped(_ error: any Error) {
        guard !(error is CancellationError) else { return }
        Report.failure("Blocking work failed after its caller had gone", error)
    }
}

/// Blocking work in order of arrival: a list through the pieces themselves, so that a cancelled one leaves it at once,
/// however long it is.
struct BlockingQueue {
    private var first: BlockingWork?
    // SAFETY: the last piece is held by the one before it, or is the first.
    private unowned(unsafe) var last: BlockingWork?
    private(set) var count = 0

    mutating func append(_ work: BlockingWork) {
        work.isQueued = true
        work.previous = last
        if let last { last.next = work } else { first = work }
        last = work
        count += 1
    }

    mutating func popFirst() -> BlockingWork? {
        guard let work = first else { return nil }
        _ = remove(work)
        return work
    }

    /// Takes a piece out; false when it is not here (any more).
    mutating func remove(_ work: BlockingWork) -> Bool {
        guard work.isQueued else { return false }
        work.isQueued = false
        // Held by hand: the list's reference may be the last.
        let next = work.next.take()
        if let next { next.previous = work.previous } else { last = work.previous }
        if let previous = work.previous { previous.next = next } else { first = next }
        work.previous = nil
        count -= 1
        return true
    }

    mutating func takeAll() -> [BlockingWork] {
        var all: [BlockingWork] = []
        while let work = popFirst() { all.append(work) }
        return all
    }
}
