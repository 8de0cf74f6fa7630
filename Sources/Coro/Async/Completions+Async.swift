// As-completed iteration in native code.

extension Completions: AsyncSequence {
    public struct AsyncIterator: AsyncIteratorProtocol {
        let completions: Completions

        /// The next to complete; nil when all have been delivered.
        ///
        /// - Throws: `CancellationError`, `TimeoutError` past the task's deadline, `LoopError.closed`; nothing is taken then.
        ///   Never a future's failure: that is in the element.
        public func next() async throws -> Element? {
            let next = completions.next()
            do {
                return try await next.value
            } catch {
                completions.giveBack(next)
                throw error
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(completions: self) }
}
