// As-completed iteration in native code.

extension Completions: AsyncSequence {
    /// The next to complete; nil when all have been delivered. Suspends until there is one.
    ///
    /// - Throws: `CancellationError`, `TimeoutError` past the task's deadline, `LoopError.closed`; nothing is taken then.
    ///   Never a future's failure: that is in the element.
    public func next() async throws -> Element? {
        let next = nextFuture()
        do {
            return try await next.value
        } catch {
            giveBack(next)
            throw error
        }
    }

    /// Pulls from the completions it was made of; all iterators of one share what is left.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let completions: Completions

        /// See `Completions.next()`.
        public func next() async throws -> Element? { try await completions.next() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(completions: self) }
}
