// Futures as a sequence: the seeds' cursor loop, `while (yield cursor.fetch_next)`, in native code.

/// The values of one future after the other, until one of them is nil. Made by `loop.sequence { … }`.
public final class FutureSequence<Element: Sendable>: AsyncSequence, Sendable {
    private let loop: EventLoop
    private let makeNext: @Sendable () -> Future<Element?>
    /// A future whose wait was given up, for the next who waits; and whether the end was seen.
    private let state = Locked<(pending: Future<Element?>?, hasEnded: Bool)>((nil, false))

    fileprivate init(on loop: EventLoop, _ makeNext: @escaping @Sendable () -> Future<Element?>) {
        self.loop = loop
        self.makeNext = makeNext
    }

    /// Asks for one value after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let sequence: FutureSequence

        /// The next value; nil at the end, and ever after.
        ///
        /// - Throws: the future's failure; `CancellationError` when the future or the awaiting task was cancelled;
        ///   `TimeoutError` past the task's deadline; `LoopError.closed`.
        public func next() async throws -> Element? { try await sequence.next() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(sequence: self) }

    private func next() async throws -> Element? {
        let (given, hasEnded) = state.withLock { state in (state.pending.take(), state.hasEnded) }
        if hasEnded { return nil }
        let future = given ?? start()
        do {
            let element = try await future.value
            if element == nil { state.withLock { $0.hasEnded = true } }
            return element
        } catch {
            // Only the wait has ended, not what was waited for; that may even have come since.
            if future.failure == nil { state.withLock { $0.pending = future } }
            throw error
        }
    }

    /// Calls for the next future, on the loop.
    private func start() -> Future<Element?> {
        if loop.isCurrent { return makeNext() }
        let promise = loop.promise(of: Element?.self)
        loop.addCallback { self.makeNext().chain(to: promise) }
        return promise.future
    }
}

extension EventLoop {
    /// A sequence of what the futures that `next` returns come to, until one comes to nil.
    ///
    /// ```swift
    /// for try await document in loop.sequence({ cursor.fetchNext() }) { print(document) }
    /// ```
    ///
    /// `next` is called on the loop's thread when a value is asked for, never ahead. Cancelling the task that iterates, or
    /// its deadline, ends the wait and leaves the future alone: the sequence keeps it, and whoever iterates on waits for
    /// that same future first, so no value is lost. A failure ends the loop it is thrown into; iterating on calls `next`
    /// again. One task at a time.
    public func sequence<Element: Sendable>(
        _ next: @escaping @Sendable () -> Future<Element?>
    ) -> FutureSequence<Element> {
        FutureSequence(on: self, next)
    }
}
