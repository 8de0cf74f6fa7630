// Gathering in native code, where the futures belong to the call that awaits them: it fails fast, and they end with it.

extension EventLoop {
    /// The values of all `futures`, in their order. Suspends until they are there.
    ///
    /// The first failure in time is thrown at once, and the others are cancelled; they are cancelled as well when the
    /// awaiting task is, or when its deadline passes. (`gather` waits for all by default, and its future outlives the
    /// task that awaits it.)
    ///
    /// - Throws: the first failure; `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed`.
    public func gathered<Value: Sendable>(
        _ futures: [Future<Value>], file: StaticString = #fileID, line: UInt = #line
    ) async throws -> [Value] {
        try await gather(futures, onFailure: .cancelRest, file: file, line: line).valueOrCancel
    }

    /// The values of all `futures`, by their keys. See the array form.
    public func gathered<Key: Hashable & Sendable, Value: Sendable>(
        _ futures: [Key: Future<Value>], file: StaticString = #fileID, line: UInt = #line
    ) async throws -> [Key: Value] {
        try await gather(futures, onFailure: .cancelRest, file: file, line: line).valueOrCancel
    }

    /// The values of several futures of different types, as a tuple. See the array form.
    public func gathered<each Value: Sendable>(
        _ futures: repeat Future<each Value>, file: StaticString = #fileID, line: UInt = #line
    ) async throws -> (repeat each Value) {
        try await gather(repeat each futures, onFailure: .cancelRest, file: file, line: line).valueOrCancel
    }
}

extension Future {
    /// The value, for a caller who owns the work: when the wait ends before the future, so does the future.
    fileprivate var valueOrCancel: Value {
        get async throws {
            do { return try await value } catch {
                cancel()
                throw error
            }
        }
    }
}
