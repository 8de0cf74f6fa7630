// The seeds' `@gen.coroutine`: a function that yields what it waits for, and a future of what it returns.

/// What the body of a generator-style coroutine yields through.
public struct Coroutine: Sendable {
    /// The loop the coroutine runs on.
    public let loop: EventLoop
    fileprivate let yielder: Yielder<AnyFuture, Void>

    /// Waits for `yieldable` and returns what it came to.
    ///
    /// A future, a task, an array or dictionary of them (in parallel), another coroutine, a thunk, `.moment`, or your
    /// own type. What is done already does not suspend.
    ///
    /// - Throws: what the yielded thing failed with, here, where it can be caught; `CancellationError` when the
    ///   coroutine's future was cancelled; `TimeoutError` past the deadline of `withDeadline`, and what was yielded is
    ///   then still there to be yielded again.
    public func yield<Yielded: Yieldable>(_ yieldable: Yielded) async throws -> Yielded.YieldedValue {
        let future = yieldable.future(on: loop)
        if let deadline = Deadline.current, !future.isDone {
            try await yielder.yield(future.doneOrDue(at: deadline, on: loop))
            guard future.isDone else { throw TimeoutError() }
        } else {
            try await yielder.yield(future)
        }
        return try future.get()
    }

    /// Waits for all values of a dictionary in parallel; results by the same keys.
    public func yield<Key: Hashable & Sendable, Yielded: Yieldable>(
        _ yieldables: [Key: Yielded]
    ) async throws -> [Key: Yielded.YieldedValue] {
        try await yield(loop.gather(yieldables.mapValues { $0.future(on: loop) }))
    }

    /// The same for a dictionary that is `Yieldable` itself: it tells the compiler which of the two above is meant.
    public func yield<Yielded: Yieldable>(_ yieldables: [String: Yielded]) async throws -> [String: Yielded
        .YieldedValue]
    {
        try await yield(loop.gather(yieldables.mapValues { $0.future(on: loop) }))
    }

    /// Delegates: runs `body` as a coroutine of its own, which starts at once, and waits for what it returns.
    ///
    /// - Throws: what `body` throws; `CancellationError` when this coroutine's future was cancelled, which cancels `body`.
    public func yield<Returned: Sendable>(
        _ body: sending @escaping (Coroutine) async throws -> Returned
    ) async throws -> Returned {
        try await yield(loop.coroutine(body))
    }

    /// Waits for one iteration of the loop, so that everything that is ready runs first.
    public func yield() async throws { try await yield(Moment()) }

    /// Waits for a value whose type is known only at run time.
    ///
    /// - Throws: `BadYieldError`, catchable here, when it is not yieldable.
    public func yieldAny(_ value: Any) async throws -> any Sendable {
        guard let yieldable = value as? any Yieldable else {
            throw BadYieldError(type: String(describing: Swift.type(of: value)))
        }
        return try await open(yieldable)
    }

    private func open(_ yieldable: some Yieldable) async throws -> any Sendable { try await yield(yieldable) }
}

extension Future {
    /// A future that is done when this one is, whatever its outcome, or when the deadline comes; cancelling it cancels
    /// this one.
    fileprivate func doneOrDue(at deadline: LoopInstant, on loop: EventLoop) -> Future<Void> {
        let promise = Promise<Void>(on: loop)
        let timer = loop.callAt(deadline) { promise.trySucceed(()) }
        promise.onCancel {
            timer.cancel()
            self.cancel()
        }
        whenSettled(on: loop) {
            timer.cancel()
            promise.trySucceed(())
        }
        return promise.future
    }
}

extension EventLoop {
    /// Starts a generator-style coroutine and returns the future of what it returns.
    ///
    /// The body runs at once, inside this call, to its first real wait; nothing is ever thrown from here. (Called from
    /// another thread than the loop's, it starts in a later iteration.) Cancelling the future throws
    /// `CancellationError` into the body at its present or next `yield` and cancels what it waits for.
    ///
    /// - Runs on: the loop's thread. The body may also `await` native async functions.
    public func coroutine<Returned: Sendable>(
        file: StaticString = #fileID, line: UInt = #line,
        _ body: sending @escaping (Coroutine) async throws -> Returned
    ) -> Future<Returned> {
        let promise = Promise<Returned>(on: self, file: file, line: line)
        let generator = Generator<AnyFuture, Void, Returned> { yielder in
            try await body(Coroutine(loop: self, yielder: yielder))
        }
        if isCurrent {
            Runner.start(on: self, promise: promise, generator)
        } else {
            addCallback { Runner.start(on: self, promise: promise, generator) }
        }
        return promise.future
    }
}

/// Starts a generator-style coroutine on the loop that runs on this thread. See `EventLoop.coroutine`.
///
/// Call it from code that runs on a loop; elsewhere say `loop.coroutine { … }`.
public func coroutine<Returned: Sendable>(
    file: StaticString = #fileID, line: UInt = #line,
    _ body: sending @escaping (Coroutine) async throws -> Returned
) -> Future<Returned> {
    guard let loop = EventLoop.current else {
        preconditionFailure("coroutine { … } needs a loop that runs on this thread; write loop.coroutine { … } here.")
    }
    return loop.coroutine(file: file, line: line, body)
}
