// What a generator and its body share: the places where values change hands, and the step that makes them do so.
//
// It is its own executor, so that a generator is one object and one task. It knows nothing of what the body returns:
// that is between the body and who made it (`Generator`, `EventLoop.coroutine`).

/// One end of it is a `Generator` or a `Runner`, the other a `Yielder` or a `Coroutine`.
@usableFromInline
final class GeneratorChannel<Yielded, Sent>: GeneratorExecutor, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): only one side runs at a time; see `GeneratorExecutor`.

    /// On its way out.
    @exclusivity(unchecked) @usableFromInline var yielded: Yielded?
    /// The body, when it is at a `yield`.
    @exclusivity(unchecked) @usableFromInline var parked: UnsafeContinuation<Sent, any Error>?
    /// Thrown in before the body had begun, which then does not begin.
    @exclusivity(unchecked) @usableFromInline var early: (any Error)?
    @exclusivity(unchecked) @usableFromInline var isBegun = false
    @exclusivity(unchecked) @usableFromInline var isOver = false

    /// Whom the body has just delegated to, on its way out like a value.
    @exclusivity(unchecked) @usableFromInline var delegate: GeneratorChannel?
    /// The body, while another generator runs in its place.
    @exclusivity(unchecked) @usableFromInline var parkedForDelegate: UnsafeContinuation<Void, Never>?
    /// Whom a step is for: the body delegated to the first, that one to the second … An array and no chain of calls, so a
    /// step costs the same at any depth, and no depth is too much.
    @exclusivity(unchecked) @usableFromInline var delegates: [GeneratorChannel] = []
    /// True while this one runs in the place of another: it is stepped through that one only.
    @exclusivity(unchecked) @usableFromInline var isDelegate = false

    /// The body's task. It is made between `enter` and `leave`, so that its first job, which comes from the very thread that
    /// makes it, is stored without a lock and nobody is told.
    @exclusivity(unchecked) var task: _Concurrency.Task<Void, Never>?

    override init(home: EventLoop?) { super.init(home: home) }

    /// Says that the body has ended. The last thing its task does.
    @inline(__always)
    func bodyEnded() {
        isOver = true
        task = nil
    }

    /// Cancels what the body awaits natively, if it does.
    func cancelAwait() { task?.cancel() }

    /// Ends the body: throws `GeneratorClosed` at its yield until it is over.
    func close() { endBody(with: GeneratorClosed()) }

    override func endBody(with error: any Error) {
        // A body that answers every end with another yield is broken; it is given up after a while, never spun on.
        for _ in 0..<1_000 {
            // At the end, or called from within the body, the step is refused and that is that.
            guard case .yielded = try? step(.error(error)) else { return }
        }
    }

    /// What the holder does when it goes.
    func closeAtDrop() {
        guard !isOver else { return }
        // Closing runs the body, which may let go of the next generator of a chain, and so on.
        if let level = Trampoline.descend() {
            close()
            level.ascend()
        } else {
            Trampoline.put(aside: { self.close() })
        }
    }

    // MARK: The body's side

    /// Hands `value` out and stops until the next step.
    @inlinable
    func yield(_ value: Yielded) async throws -> Sent {
        try checkYield()
        yielded = .some(value)
        return try await withUnsafeThrowingContinuation { parked = $0 }
    }

    /// Stops until `other`, which is stepped in this one's place, has ended.
    func delegate(to other: GeneratorChannel) async throws {
        try checkYield()
        guard !other.isDelegate else { throw GeneratorError.alreadyRunning }
        guard !other.isOver else { throw GeneratorError.finished }
        guard !other.isBegun else { throw GeneratorError.alreadyBegun }
        other.isDelegate = true
        delegate = other
        await withUnsafeContinuation { parkedForDelegate = $0 }
    }

    @inlinable
    func checkYield() throws {
        // Another task, or another thread: whoever steps would not see it come.
        guard isStepping else { throw isOver ? GeneratorError.finished : .outsideBody }
        // A child task of a body that is at a yield itself: there is one door, and it is taken.
        if parked != nil || parkedForDelegate != nil { throw GeneratorError.alreadyYielding }
    }

    // MARK: The holder's side

    /// Takes one step.
    @inlinable
    func step(_ input: GeneratorInput<Sent>) throws -> GeneratorProgress<Yielded> {
        guard !isDelegate, enter() else { throw GeneratorError.alreadyRunning }
        defer { leave() }
        if isOver { throw GeneratorError.finished }
        if case .begin = input, isBegun { throw GeneratorError.alreadyBegun }
        guard delegates.isEmpty else { return stepDelegates(input) }
        deliver(input)
        return delegate == nil ? progress() : stepDelegates(nil)
    }

    /// Runs what child tasks have to do, or a body that came back from a native `await`.
    func stepJobs() -> GeneratorProgress<Yielded>? {
        guard enter() else { return nil }
        defer { leave() }
        let wasParked = parked != nil
        runStoredJobs()
        return wasParked ? nil : progress()
    }

    /// Steps whoever is innermost, and what follows from that: one that delegates is followed by its delegate, one that
    /// ends by whom it ran for.
    @usableFromInline
    func stepDelegates(_ input: GeneratorInput<Sent>?) -> GeneratorProgress<Yielded> {
        var input = input
        while true {
            let innermost = delegates.last ?? self
            if innermost === self || innermost.enter() {
                if let input { innermost.deliver(input) }
                if innermost !== self { innermost.leave() }
            }
            if let next = innermost.delegate {
                innermost.delegate = nil
                delegates.append(next)
                input = .begin
                continue
            }
            let progress = innermost.progress()
            guard case .over = progress, innermost !== self else { return progress }
            delegates.removeLast()
            innermost.isDelegate = false
            input = .delegateEnded
        }
    }

    @inlinable
    func progress() -> GeneratorProgress<Yielded> {
        if let value = yielded {
            yielded = nil
            return .yielded(value)
        }
        return isOver ? .over : .awaiting
    }

    /// Lets the body run on with `input`, until it stops.
    @inlinable
    func deliver(_ input: GeneratorInput<Sent>) {
        if let parked {
            self.parked = nil
            // Resuming enqueues the body's job, which is stored; then it is run, here and now.
            switch input {
            case .value(let value):
                // SAFETY: the value goes to the body, which runs now, on this thread.
                nonisolated(unsafe) let value = value
                parked.resume(returning: value)
            case .error(let error): parked.resume(throwing: error)
            case .begin, .delegateEnded: break
            }
        } else if let parkedForDelegate {
            self.parkedForDelegate = nil
            parkedForDelegate.resume()
        } else if !isBegun {
            // The first value has no `yield` to return from; a first error ends the body before it begins.
            isBegun = true
            if case .error(let error) = input { early = error }
        }
        runStoredJobs()
    }
}

/// What a step brings into a body.
@usableFromInline
enum GeneratorInput<Sent> {
    case begin
    case value(Sent)
    case error(any Error)
    case delegateEnded
}

/// What a step came to.
@usableFromInline
enum GeneratorProgress<Yielded> {
    case yielded(Yielded)
    case over
    /// The body is suspended in a native `await`.
    case awaiting
}
