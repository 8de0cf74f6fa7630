// Structured concurrency: tasks that end before the code that started them does.
//
// Swift's task groups do the same for what is known where the group is. A scope can be handed on, so that what accepts
// connections may spawn into the scope of who asked for it, its first failure also wakes the body, and its tasks are
// spawned ones, with a name, a future and a place in the list of tasks.

extension EventLoop {
    /// Runs `body` with a scope to spawn tasks in, and returns when `body` and all of them have ended.
    ///
    /// The first failure, of a task or of `body`, cancels all the others; it is thrown once they have ended, and
    /// further failures are reported. Cancelling the task that runs this, or its deadline passing, cancels everything
    /// inside. A task that is cancelled by itself, or that throws `CancellationError`, is no failure.
    ///
    /// - Throws: the first failure; `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func withScope<Result>(_ body: (Scope) async throws -> Result) async throws -> Result {
        let scope = Scope(loop: self, waits: CancelScope(loop: self, parent: CancelScope.current))
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await CancelScope.$current.withValue(scope.waits) { try await body(scope) })
        } catch {
            scope.failed(error)
            result = .failure(error)
        }
        let interruption = await scope.end()
        if let failure = scope.firstFailure ?? interruption { throw failure }
        return try result.get()
    }

    /// Runs `operation` out of reach of any cancellation and deadline around it, for at most `budget`: what has to be
    /// said or put back even when nobody wants the result any more.
    ///
    ///     do { try await work(stream) } catch {
    ///         try? await loop.shielded(for: .seconds(2)) { try await stream.write(goodbye) }
    ///         throw error
    ///     }
    ///
    /// A wait inside that outlives the budget throws `TimeoutError`. Cancellation is not lost: the first wait after this
    /// one throws. (`Task.isCancelled` tells the truth inside too; only waits are shielded.)
    public func shielded<Result>(
        for budget: Duration, _ operation: () async throws -> Result
    ) async rethrows -> Result {
        let deadline = now.advanced(by: budget)
        let shield = CancelScope(loop: self, parent: CancelScope.current, deadline: deadline, isShield: true)
        return try await CancelScope.$current.withValue(shield) { try await operation() }
    }
}

/// Where tasks are spawned that end together. Made by `EventLoop.withScope`.
///
/// May be handed to other functions and tasks. Any thread.
public final class Scope: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `state` is behind its lock; the rest is constant.

    /// The loop the scope's tasks run on.
    public let loop: EventLoop
    /// What the body's waits obey.
    let waits: CancelScope
    private let state = Locked(State())

    private struct State {
        /// How many tasks have not ended.
        var count = 0
        var children = Children()
        var firstFailure: (any Error)?
        var isCancelled = false
        var hasEnded = false
        /// Who waits for the last child.
        var waiter: Waiter?
    }

    init(loop: EventLoop, waits: CancelScope) {
        self.loop = loop
        self.waits = waits
    }

    /// True once the scope was cancelled, by `cancel()` or by a failure.
    public var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// How many of its tasks have not ended.
    public var count: Int { state.withLock { $0.count } }

    /// Starts a task of this scope, in a later iteration. Deadlines around the scope are the task's too.
    ///
    /// In a scope that is cancelled the task is cancelled from the start. In one that has ended it does not run, and its
    /// future fails with `ScopeEnded`.
    @discardableResult
    public func spawn<Output: Sendable>(
        name: String? = nil, file: StaticString = #fileID, line: UInt = #line,
        _ body: sending @escaping () async throws -> Output
    ) -> EventLoop.Task<Output> {
        let origin = SourcePlace(file: file, line: line)
        let record = TaskRecord(
            loop: loop, name: name, origin: origin, deadline: waits.deadline, timeoutMessage: waits.timeoutMessage)
        // The task takes its place before it can end.
        let admission = state.withLock { state -> Admission in
            if state.hasEnded { return .refused }
            state.count += 1
            return state.isCancelled ? .cancelled : .admitted
        }
        let task = loop.spawn(record) { [self] in
            if admission == .refused { throw ScopeEnded() }
            do {
                let output = try await body()
                childEnded(record)
                return output
            } catch {
                failed(error)
                childEnded(record)
                throw error
            }
        }
        guard admission != .refused else { return task }
        // Its failure is the scope's, which throws it.
        task.future.markObserved()
        state.withLock { $0.children.insert(record) }
        // Cancelled between the two, the scope could not tell it.
        if admission == .cancelled || isCancelled { task.cancel() }
        return task
    }

    private enum Admission { case admitted, cancelled, refused }

    /// Cancels the scope's tasks, those to come, and the waits of its body.
    public func cancel() {
        let children = state.withLock { state in
            state.isCancelled = true
            return state.children.cancelSleepers(on: loop)
        }
        // What is told at once may run code of the task's, which may come here.
        for child in children { child.cancelTask() }
        if loop.isCurrent {
            waits.cancelWaits()
        } else {
            loop.addCallback { self.waits.cancelWaits() }
        }
    }

    // MARK: Ending

    var firstFailure: (any Error)? { state.withLock { $0.firstFailure } }

    /// The body, or a task, has thrown: the first to do so cancels the others.
    func failed(_ error: any Error) {
        if error is CancellationError { return }
        let before = state.withLock { state in
            let before = state.firstFailure
            if before == nil { state.firstFailure = error }
            return before
        }
        guard let before else { return cancel() }
        // One deadline, or a closing loop, ends many; once is enough to hear of it.
        if error is TimeoutError && before is TimeoutError || error as? LoopError == .closed { return }
        Report.failure("Several failures in one scope; also", error)
    }

    private func childEnded(_ record: TaskRecord) {
        let waiter = state.withLock { state -> Waiter? in
            state.children.remove(record)
            state.count -= 1
            return state.count == 0 ? state.waiter.take() : nil
        }
        guard let waiter else { return }
        if loop.isCurrent { waiter.wake(.ready) } else { loop.addCallback { waiter.wake(.ready) } }
    }

    /// Waits for the tasks that are left; cancels them when the waiting itself is cancelled or late, and says so.
    func end() async -> (any Error)? {
        var interruption: (any Error)?
        // A body that threw cancellation leaves nothing behind it to wait for in peace.
        if waits.isCancelledInside(ofTask: _Concurrency.Task.isCancelled) { cancel() }
        do {
            while !isEmpty { try await waitForChildren() }
        } catch {
            interruption = error
            cancel()
        }
        let shield = CancelScope(loop: loop, parent: CancelScope.current, isShield: true)
        await CancelScope.$current.withValue(shield) {
            // Only a closing loop ends this wait before its time. It wakes the tasks too, and they get as many turns to
            // end in as this.
            var patience = 100
            while !isEmptyOrEnds(), patience > 0 {
                patience -= 1
                try? await waitForChildren()
            }
        }
        return interruption
    }

    private var isEmpty: Bool { state.withLock { $0.count == 0 } }

    /// True when no task is left, and then none can come any more.
    private func isEmptyOrEnds() -> Bool {
        state.withLock { state in
            if state.count == 0 { state.hasEnded = true }
            return state.hasEnded
        }
    }

    private func waitForChildren() async throws {
        try await park(on: loop, for: "waiting for the tasks of a scope") { waiter in
            let isEmpty = self.state.withLock { state in
                if state.count > 0 { state.waiter = waiter }
                return state.count == 0
            }
            if isEmpty { waiter.wake(.ready) }
        }
    }
}

/// The tasks of a scope that can be told something: those that are made, and have not ended.
private struct Children {
    /// Each at its place. Unretained: a task holds its record, and leaves before it lets go of it.
    private var records: [Unmanaged<TaskRecord>?] = []
    private var freePlaces: [Int] = []

    /// Inserts a task that is made now, unless it has ended already.
    mutating func insert(_ record: TaskRecord) {
        guard record.placeInScope == .none else { return }
        let place = freePlaces.popLast() ?? records.count
        if place == records.count {
            records.append(nil)
            // Made as large now: thousands may end in one moment, and then malloc has their memory to sort (`Endings.expect`).
            if freePlaces.capacity < records.capacity { freePlaces.reserveCapacity(records.capacity) }
        }
        records[place] = .passUnretained(record)
        record.placeInScope = .at(Int32(place))
    }

    /// Removes a task that ends, whether it has been inserted or not.
    mutating func remove(_ record: TaskRecord) {
        defer { record.placeInScope = .left }
        guard case .at(let place) = record.placeInScope else { return }
        records[Int(place)] = nil
        freePlaces.append(Int(place))
        // The last one leaves nothing behind.
        if freePlaces.count == records.count { self = Children() }
    }

    /// Cancels those that may hear of it later, which runs nobody's code, and returns the others.
    ///
    /// Of thousands these are few, so that nothing large is allocated: after as many have ended, malloc has their memory to
    /// sort, and does it all in the next call for which it has nothing at hand.
    func cancelSleepers(on loop: EventLoop) -> [TaskRecord] {
        let isCrowd = loop.isCurrent && records.count - freePlaces.count > Endings.least
        var others: [TaskRecord] = []
        for record in records {
            // SAFETY: a task takes its record from here, under the scope's lock, before it lets go of it.
            record?._withUnsafeGuaranteedRef { record in
                if !(isCrowd && record.cancelAsleep()) { others.append(record) }
            }
        }
        return others
    }
}

/// A task was spawned in a scope that had ended.
public struct ScopeEnded: Error, Sendable, CustomStringConvertible {
    public var description: String {
        "The scope has ended, so the task was not started. Spawn it before withScope returns."
    }
}
