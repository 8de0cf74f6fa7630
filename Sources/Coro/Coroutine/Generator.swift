// A function that stops in the middle, hands a value out, and goes on when one is sent back in.
//
// Swift has no `yield` for this, but it has functions that can stop: `async` ones. So the body is an async closure in
// a task of its own, on an executor of its own that never runs anything by itself (`GeneratorExecutor`). `send` runs
// the task's next job inline, on the caller's stack; `yield` parks the body on a continuation, which ends that job and
// so returns to `send`. No thread, no stack copying, no assembly.

internal import Synchronization

/// A generator: a body that is run step by step by whoever holds it.
///
/// `Yielded` comes out, `Sent` goes in, `Returned` is what the body's `return` gives.
///
/// - Runs on: the body runs inside `send`, on the caller's thread. Task-local values are those of the place where the
///   generator was made.
/// - After the end: `send` and `throw` throw `GeneratorError.finished`.
/// - Dropping a suspended generator closes it: the body's clean-up runs.
public final class Generator<Yielded, Sent, Returned>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): a generator is stepped by one caller at a time, and refuses another with
    // `GeneratorError.alreadyRunning`; in Coro that is the loop's thread. The body never runs by itself.

    /// What one step came to.
    public enum Step {
        /// The body stopped at a `yield` and handed this out.
        case yielded(Yielded)
        /// The body has ended and returned this. This is the place of Python's `StopIteration`.
        case returned(Returned)
    }

    fileprivate let channel = GeneratorChannel<Yielded, Sent>()
    private let ending = Ending()

    /// What the body came to; written by the body's task, read by the step that finds it over.
    private final class Ending: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): see `Generator`; only one side runs at a time.
        var result: Result<Returned, any Error>?
    }

    /// Makes a generator whose body has not begun: the first `send` begins it, and its value goes nowhere.
    public init(_ body: sending @escaping (Yielder<Yielded, Sent>) async throws -> Returned) {
        let channel = channel
        let ending = ending
        // Not detached: task-locals of this place flow in. The task begins with the first step, and holds the channel
        // and not the generator, so that dropping the generator closes it.
        channel.task = _Concurrency.Task(executorPreference: channel.executor) {
            do {
                try channel.begin()
                ending.result = .success(try await body(Yielder(channel: channel)))
            } catch {
                ending.result = .failure(error)
            }
        }
    }

    deinit { close() }

    /// Runs the body until its next `yield` or its end; `value` is what its present `yield` returns.
    ///
    /// - Throws: what the body throws; `GeneratorError`.
    public func send(_ value: Sent) throws -> Step { try step(.success(value)) }

    /// Goes on with the body by throwing `error` at its present `yield`.
    ///
    /// - Throws: what the body throws, often the same error; `GeneratorError`.
    public func `throw`(_ error: any Error) throws -> Step { try step(.failure(error)) }

    /// Ends the body: throws `GeneratorClosed` at its present `yield`, so that its clean-up runs.
    ///
    /// A body that catches it and yields again is closed again, until it ends. Does nothing at the end.
    public func close() {
        // A body that answers every close with another yield is broken; it is given up after a while, never spun on.
        for _ in 0..<1_000 {
            // At the end, or called from within the body, the step is refused and that is that.
            guard case .yielded = try? step(.failure(GeneratorClosed())) else { return }
        }
    }

    /// True when the body has ended.
    public var isFinished: Bool { channel.isFinished }

    private func step(_ input: Result<Sent, any Error>) throws -> Step {
        switch try resume(input) {
        case .yielded(let value): return .yielded(value)
        case .returned(let value): return .returned(value)
        case .awaiting: throw GeneratorError.awaiting
        }
    }
}

// MARK: The runner's door

extension Generator {
    /// A step as the runner sees it: it can also wait for a body that awaits something native.
    enum Progress {
        case yielded(Yielded)
        case returned(Returned)
        /// The body is suspended in a native `await`; its executor is told when it comes back.
        case awaiting
    }

    /// Steps the body.
    func resume(_ input: Result<Sent, any Error>) throws -> Progress {
        guard channel.enter() else { throw GeneratorError.alreadyRunning }
        defer { channel.leave() }
        guard !channel.isFinished else { throw GeneratorError.finished }
        channel.deliver(input)
        return try takeProgress()
    }

    /// Goes on with a body that came back from a native `await`.
    func resumeAwaiting() throws -> Progress {
        guard channel.enter() else { throw GeneratorError.alreadyRunning }
        defer { channel.leave() }
        channel.runStoredJobs()
        return try takeProgress()
    }

    private func takeProgress() throws -> Progress {
        if let result = ending.result.take() {
            channel.isFinished = true
            channel.task = nil
            return .returned(try result.get())
        }
        if let value = channel.yielded.take() { return .yielded(value) }
        return .awaiting
    }

    /// True when the body has, or had, child tasks (`async let`, a task group). They share its executor, so somebody
    /// must run their jobs also while the body itself is at a `yield`.
    var hasChildren: Bool { channel.hasChildren }

    /// Runs what the child tasks have to do; the body stays at its `yield`.
    func runChildren() {
        guard channel.enter() else { return }
        defer { channel.leave() }
        channel.runStoredJobs()
    }

    /// Cancels what the body awaits natively, if it does.
    func cancelAwait() { channel.task?.cancel() }

    /// Calls `wake`, from any thread, when the body wants to go on after a native `await`.
    func whenAwaitReturns(_ wake: @escaping @Sendable () -> Void) {
        channel.executor.whenEnqueued(wake)
    }
}

/// What a generator's body yields through.
public struct Yielder<Yielded, Sent>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): it yields for the body it was made for, and a body runs in one place at a time.
    fileprivate let channel: GeneratorChannel<Yielded, Sent>

    /// Hands `value` out and stops until the generator is stepped again.
    ///
    /// - Returns: what the next `send` brings.
    /// - Throws: what the next `throw` brings, or `GeneratorClosed`.
    public func yield(_ value: Yielded) async throws -> Sent { try await channel.yield(value) }
}

/// What a generator and its body share.
private final class GeneratorChannel<Yielded, Sent>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): see `Generator`; only one side runs at a time.
    let executor = GeneratorExecutor()
    var task: _Concurrency.Task<Void, Never>?
    /// Atomic, so that two threads that step at once find out about each other, and so that the one who steps after
    /// another sees what that one left.
    private let isRunning = Atomic<Bool>(false)
    var isFinished = false
    private(set) var hasChildren = false
    /// On its way out.
    var yielded: Yielded?
    /// On its way in.
    private var input: Result<Sent, any Error>?
    private var parked: UnsafeContinuation<Void, Never>?

    /// Takes the right to step; false when somebody has it.
    func enter() -> Bool {
        isRunning.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    }

    func leave() { isRunning.store(false, ordering: .releasing) }

    // The body's side.

    func begin() throws {
        // The first value sent has no `yield` to return from; a first `throw` ends the body before it begins.
        if case .failure(let error) = input.take() { throw error }
    }

    func yield(_ value: Yielded) async throws -> Sent {
        yielded = .some(value)
        await withUnsafeContinuation { parked = $0 }
        guard let input = input.take() else { throw GeneratorClosed() }
        return try input.get()
    }

    // The holder's side.

    func deliver(_ input: Result<Sent, any Error>) {
        self.input = input
        // Resuming enqueues the body's job, which the executor stores; then it is run, here and now.
        parked.take()?.resume()
        runStoredJobs()
    }

    func runStoredJobs() {
        // The body is one job; a second one in the same step can only be a child's.
        if executor.runStoredJobs() > 1 { hasChildren = true }
    }
}

/// Thrown into a generator's body by `close()`, or by dropping it. Let it pass.
public struct GeneratorClosed: Error, Sendable {
    /// Makes the error that ends a body; `close()` does.
    public init() {}
}

/// What a generator refuses.
public enum GeneratorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The body has ended.
    case finished
    /// The generator was stepped from within its own body, or by two callers at once.
    case alreadyRunning
    /// The body awaits something native; it can be run by a `Runner`, not by hand.
    case awaiting

    public var description: String {
        switch self {
        case .finished: "The generator has ended. Make a new one."
        case .alreadyRunning: "The generator is running already: a body cannot step itself."
        case .awaiting: "The generator's body awaits something that is not a yield. Run it with coroutine { … }."
        }
    }
}
