// The seeds' `@gen.coroutine`: a function that yields what it waits for, and a future of what it returns.

/// What the body of a generator-style coroutine yields through.
public struct Coroutine: Sendable {
    /// The loop the coroutine runs on.
    public let loop: EventLoop
    fileprivate let channel: GeneratorChannel<AnyFuture, Void>

    fileprivate init(loop: EventLoop, channel: GeneratorChannel<AnyFuture, Void>) {
        self.loop = loop
        self.channel = channel
    }

    /// Waits for `yieldable` and returns what it came to.
    ///
    /// A future, a task, an array or dictionary of them (in parallel), another coroutine, a generator, a thunk, `.moment`,
    /// or your own type. What is done already does not suspend.
    ///
    /// - Throws: what the yielded thing failed with, here, where it can be caught; `CancellationError` when the
    ///   coroutine's future was cancelled; `TimeoutError` past the deadline of `withDeadline`, and what was yielded is
    ///   then still there to be yielded again; `GeneratorError.outsideBody` when another task than the body's has to wait.
    @inlinable
    public func yield<Yielded: Yieldable>(_ yieldable: Yielded) async throws -> Yielded.YieldedValue {
        let future = yieldable.future(on: loop)
        // What is done needs nobody's help. But a body that is to end is told so at every yield.
        if !future.isDone || isEnding { try await wait(for: future) }
        return try future.get()
    }

    /// Waits for several things of different types, in parallel, and returns their values as a tuple.
    ///
    /// It waits for all, then throws the first failure by position, as `loop.gather` does.
    public func yield<First: Yieldable, Second: Yieldable, each Other: Yieldable>(
        _ first: First, _ second: Second, _ other: repeat each Other
    ) async throws -> (First.YieldedValue, Second.YieldedValue, repeat (each Other).YieldedValue) {
        try await yield(
            loop.gather(first.future(on: loop), second.future(on: loop), repeat (each other).future(on: loop)))
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

    /// Waits for a value whose type is known only at run time: something yieldable, or an array or `String` dictionary
    /// of such, nested as you like.
    ///
    /// - Returns: the value; for arrays and dictionaries `[any Sendable]` and `[String: any Sendable]`.
    /// - Throws: `BadYieldError`, catchable here, when it is not yieldable, and then nothing of it has been started.
    public func yieldAny(_ value: Any) async throws -> any Sendable {
        try await yield(AnyYieldable(checking: value))
    }

    /// True when every yield is to throw from now on.
    @usableFromInline var isEnding: Bool { channel.ending != nil }

    /// Hands the future to the runner and stops until it is done, or the task's deadline comes.
    @usableFromInline
    func wait(for future: AnyFuture) async throws {
        if let deadline = Deadline.current, !future.isDone {
            try await wait(for: future, until: deadline)
        } else {
            try await channel.yield(future)
        }
    }

    private func wait(for future: AnyFuture, until deadline: LoopInstant) async throws {
        try await channel.yield(future.doneOrDue(at: deadline, on: loop))
        guard future.isDone else { throw CancelScope.timeout(in: .current) }
    }
}

extension AnyFuture {
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
    /// The body runs at once, inside this call, to its first real wait; nothing is ever thrown from here. Two exceptions
    /// to "at once": called from another thread than the loop's, it starts in a later iteration; called from the
    /// thirty-second of bodies that are each starting the next, it starts when the outermost of them has come to its
    /// first wait, still inside that call, so that no depth overflows the stack.
    ///
    /// Cancelling the future throws `CancellationError` into the body at its present or next `yield`, and cancels what it
    /// waits for. A body that has not begun by then does not begin.
    ///
    /// - Runs on: the loop's thread. The body may also `await` native async functions.
    @inlinable
    public func coroutine<Returned: Sendable>(
        file: StaticString = #fileID, line: UInt = #line,
        _ body: sending @escaping (Coroutine) async throws -> Returned
    ) -> Future<Returned> {
        let promise = Promise<Returned>(on: self, file: file, line: line)
        start(for: promise.future) { co in
            // After a cancel the future has its outcome, and the body's last word was its clean-up.
            do { promise.trySucceed(try await body(co)) } catch { promise.tryFail(error) }
        }
        return promise.future
    }

    /// Starts a body that completes `future` by itself.
    @usableFromInline
    func start(for future: AnyFuture, _ body: sending @escaping (Coroutine) async -> Void) {
        let channel = GeneratorChannel<AnyFuture, Void>(home: self)
        _ = channel.enter()
        // SAFETY: sent to us, and sent on to the task, which alone has it from then on.
        nonisolated(unsafe) let body = body
        // Task-locals flow in, but for the scope: like a spawned task, a coroutine outlives it.
        channel.task = CancelScope.$current.withValue(nil) {
            _Concurrency.Task(executorPreference: channel) {
                if channel.early == nil { await body(Coroutine(loop: self, channel: channel)) }
                channel.bodyEnded()
            }
        }
        channel.leave()
        if isCurrent, let level = Trampoline.descend() {
            defer { level.ascend() }
            guard let runner = Runner.start(channel, on: self) else { return }
            future.onCancel { [weak runner] in runner?.cancel() }
        } else {
            let runner = Runner(loop: self, channel: channel)
            let isHere = isCurrent
            let begin = { @Sendable in
                if future.isDone { runner.cancel() } else { future.onCancel { [weak runner] in runner?.cancel() } }
                runner.begin()
            }
            if isHere { Trampoline.put(aside: begin) } else { addCallback(begin) }
        }
    }
}

/// Starts a generator-style coroutine on the loop that runs on this thread. See `EventLoop.coroutine`.
///
/// Call it from code that runs on a loop; elsewhere say `loop.coroutine { … }`. Where no loop runs the body does not run, and
/// the future fails with `LoopError.noLoop`.
public func coroutine<Returned: Sendable>(
    file: StaticString = #fileID, line: UInt = #line,
    _ body: sending @escaping (Coroutine) async throws -> Returned
) -> Future<Returned> {
    guard let loop = EventLoop.current else {
        return Future(on: .nowhere, .failed(LoopError.noLoop), file: file, line: line)
    }
    return loop.coroutine(file: file, line: line, body)
}
