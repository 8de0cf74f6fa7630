// A function that stops in the middle, hands a value out, and goes on when one is sent back in.
//
// Swift has no `yield` for this, but it has functions that can stop: `async` ones. So the body is an async closure in
// a task of its own, on an executor of its own that never runs anything by itself (`GeneratorExecutor`). `send` runs
// the task's next job inline, on the caller's stack; `yield` parks the body on a continuation, which ends that job and
// so returns to `send`. No thread, no stack copying, no assembly.

/// A generator: a body that is run step by step by whoever holds it.
///
/// `Yielded` comes out, `Sent` goes in, `Returned` is what the body's `return` gives.
///
/// - Runs on: the body runs inside `send`, on the caller's thread. Task-local values are those of the place where the
///   generator was made.
/// - After the end: `send` and `throw` throw `GeneratorError.finished`.
/// - Dropping a suspended generator closes it: the body's clean-up runs.
public final class Generator<Yielded, Sent, Returned: Sendable>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): a generator is stepped by one caller at a time, and refuses another with
    // `GeneratorError.alreadyRunning`; in Coro that is the loop's thread. The body never runs by itself.

    /// What one step came to.
    public enum Step {
        /// The body stopped at a `yield` and handed this out.
        case yielded(Yielded)
        /// The body has ended and returned this. Where Python raises `StopIteration(value)`, a step says so.
        case returned(Returned)
    }

    @usableFromInline let channel: GeneratorChannel<Yielded, Sent>
    @usableFromInline let ending: GeneratorEnding<Returned>

    /// Makes a generator whose body has not begun: the first step begins it, and a value sent then goes nowhere.
    public init(_ body: sending @escaping (Yielder<Yielded, Sent>) async throws -> Returned) {
        let channel = GeneratorChannel<Yielded, Sent>(home: nil)
        let ending = GeneratorEnding<Returned>()
        self.channel = channel
        self.ending = ending
        // The task holds the channel and not the generator, so that dropping the generator closes it. Not detached: the
        // task-locals of this place flow in.
        _ = channel.enter()
        channel.task = _Concurrency.Task(executorPreference: channel) {
            do {
                if let error = channel.early { throw error }
                ending.result = .success(try await body(Yielder(channel: channel)))
            } catch {
                ending.result = .failure(error)
            }
            channel.bodyEnded()
        }
        channel.leave()
    }

    deinit { channel.closeAtDrop() }

    /// Begins the body: runs it to its first `yield` or its end. For a body that is sent nothing, `next` does too.
    ///
    /// - Throws: what the body throws; `GeneratorError.alreadyBegun` after the first step.
    @inlinable
    public func start() throws -> Step { try step(.begin) }

    /// Runs the body until its next `yield` or its end; `value` is what its present `yield` returns.
    ///
    /// - Throws: what the body throws; `GeneratorError`.
    @inlinable
    public func send(_ value: Sent) throws -> Step { try step(.value(value)) }

    /// Goes on with the body by throwing `error` at its present `yield`.
    ///
    /// - Throws: what the body throws, often the same error; `GeneratorError`.
    @inlinable
    public func `throw`(_ error: any Error) throws -> Step { try step(.error(error)) }

    /// Ends the body: throws `GeneratorClosed` at its present `yield`, so that its clean-up runs.
    ///
    /// A body that catches it and yields again is closed again, until it ends. Does nothing at the end, and nothing when
    /// called from within the body.
    public func close() { channel.close() }

    /// True when the body has ended.
    public var isFinished: Bool { channel.isOver }

    @inlinable
    func step(_ input: GeneratorInput<Sent>) throws -> Step {
        switch try channel.step(input) {
        case .yielded(let value): return .yielded(value)
        case .over: return .returned(try ending.take())
        case .awaiting: throw GeneratorError.awaiting
        }
    }
}

extension Generator where Sent == Void {
    /// Runs the body until its next `yield` or its end.
    ///
    /// - Throws: what the body throws; `GeneratorError`.
    @inlinable
    public func next() throws -> Step { try step(.value(())) }
}

/// What a generator's body came to; written by the body, taken by the step that finds it over.
@usableFromInline
final class GeneratorEnding<Returned>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): see `Generator`; only one side runs at a time.
    @exclusivity(unchecked) @usableFromInline var result: Result<Returned, any Error>?

    init() {}

    /// Gives the result out, once: what it holds is let go of with whoever got it.
    @inlinable
    func take() throws -> Returned {
        guard let result else { throw GeneratorError.finished }
        self.result = nil
        return try result.get()
    }
}

/// What a generator's body yields through.
public struct Yielder<Yielded, Sent>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): it yields for the body it was made for, and a body runs in one place at a time.
    @usableFromInline let channel: GeneratorChannel<Yielded, Sent>

    init(channel: GeneratorChannel<Yielded, Sent>) { self.channel = channel }

    /// Hands `value` out and stops until the generator is stepped again.
    ///
    /// - Returns: what the next `send` brings.
    /// - Throws: what the next `throw` brings, or `GeneratorClosed`; `GeneratorError.alreadyYielding` in a child task while
    ///   the body is at a `yield`; `outsideBody`, or `finished`, in code that is not the body's.
    @inlinable
    public func yield(_ value: Yielded) async throws -> Sent { try await channel.yield(value) }

    /// Delegates: `generator` runs in this one's place until it ends, as with Python's `yield from`.
    ///
    /// What is sent, thrown or closed goes straight to it, and what it yields comes straight out; delegates may delegate
    /// in turn, to any depth.
    ///
    /// - Returns: what it returns.
    /// - Throws: what it throws; `GeneratorError` when it has begun already, or runs.
    /// - Complexity: O(1) for each step, however deep.
    public func yield<Returned: Sendable>(from generator: Generator<Yielded, Sent, Returned>) async throws -> Returned {
        try await channel.delegate(to: generator.channel)
        return try generator.ending.take()
    }
}

/// Thrown into a generator's body by `close()`, or by dropping it. Let it pass.
public struct GeneratorClosed: Error, Sendable {
    /// Makes the error that ends a body; `close()` does.
    public init() {}
}

/// What a generator refuses.
public enum GeneratorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The body has ended. (Python's `StopIteration` of a generator that had ended before.)
    case finished
    /// The generator was stepped from within its own body, by two callers at once, or while another delegates to it.
    case alreadyRunning
    /// `start()` came second, or what is delegated to, or yielded, was stepped before.
    case alreadyBegun
    /// A child task yielded while the body was at a `yield`.
    case alreadyYielding
    /// The yield came from a task of its own or from another thread, not from the body.
    case outsideBody
    /// The body awaits something native; it can be run by `coroutine { … }`, not by hand.
    case awaiting

    public var description: String {
        switch self {
        case .finished: "The generator has ended. Make a new one."
        case .alreadyRunning: "The generator is running already: a body cannot step itself."
        case .alreadyBegun: "The generator has begun already. Go on with send, or make a new one."
        case .alreadyYielding: "The body is at a yield already: it can wait for one thing at a time. Yield an array."
        case .outsideBody: "This is not the body that the yield belongs to. Yield there, or give this task a coroutine."
        case .awaiting: "The generator's body awaits something that is not a yield. Run it with coroutine { … }."
        }
    }
}
