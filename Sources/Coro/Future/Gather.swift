// Many futures as one: same shape, same order.

extension EventLoop {
    /// One future of all the values, in the order of `futures`.
    ///
    /// With `.all` it waits for every one, then fails with the first failure by position; further failures are
    /// reported, unless they are among `quiet`. With `.cancelRest` it fails as soon as one does and cancels the others.
    /// An empty array is done at once. The same future may appear twice. Cancelling the result cancels all of them.
    ///
    /// Native code that fails fast says `try await loop.gathered(…)`.
    ///
    /// - Complexity: O(n).
    public func gather<Value: Sendable>(
        _ futures: [Future<Value>], onFailure: GatherPolicy = .all, quiet: QuietErrors = [],
        file: StaticString = #fileID, line: UInt = #line
    ) -> Future<[Value]> {
        let origin = SourcePlace(file: file, line: line)
        return gather(futures, onFailure, quiet, origin) {
            try futures.map { try $0.get() }
        }
    }

    /// One future of all the values, by the keys of `futures`. See the array form.
    public func gather<Key: Hashable & Sendable, Value: Sendable>(
        _ futures: [Key: Future<Value>], onFailure: GatherPolicy = .all, quiet: QuietErrors = [],
        file: StaticString = #fileID, line: UInt = #line
    ) -> Future<[Key: Value]> {
        let origin = SourcePlace(file: file, line: line)
        return gather(Array(futures.values), onFailure, quiet, origin) {
            try futures.mapValues { try $0.get() }
        }
    }

    /// One future of the values of several futures of different types, as a tuple. See the array form.
    public func gather<each Value: Sendable>(
        _ futures: repeat Future<each Value>, onFailure: GatherPolicy = .all, quiet: QuietErrors = [],
        file: StaticString = #fileID, line: UInt = #line
    ) -> Future<(repeat each Value)> {
        var all: [AnyFuture] = []
        repeat all.append(each futures)
        return gather(all, onFailure, quiet, SourcePlace(file: file, line: line)) {
            (repeat try (each futures).get())
        }
    }

    private func gather<Value: Sendable>(
        _ futures: [AnyFuture], _ onFailure: GatherPolicy, _ quiet: QuietErrors, _ origin: SourcePlace,
        collect: @escaping @Sendable () throws -> Value
    ) -> Future<Value> {
        // A promise, held by the observers of the futures: when those go without being done, so does it, and fails.
        let promise = Promise<Value>(on: self, origin: origin)
        promise.future.onLoop { self.wait(for: futures, onFailure, quiet, into: promise, collect) }
        return promise.future
    }

    /// Counts the futures down and completes `promise` after the last. Loop's thread.
    private func wait<Value: Sendable>(
        for futures: [AnyFuture], _ onFailure: GatherPolicy, _ quiet: QuietErrors, into promise: Promise<Value>,
        _ collect: @escaping @Sendable () throws -> Value
    ) {
        let complete = {
            let gathered = promise.future
            // A cancelled child fails the gathering with CancellationError; the gathered future itself was not cancelled.
            let isFirst: Bool
            do { isFirst = promise.trySucceed(try collect()) } catch { isFirst = gathered.tryFail(error) }
            if isFirst { GatherPolicy.reportAllButFirst(futures, quiet) }
        }
        guard !futures.isEmpty else { return complete() }
        promise.onCancel { for future in futures { future.cancel() } }
        var waiting = futures.count
        for future in futures {
            future.whenSettled(on: self) {
                waiting -= 1
                if waiting == 0 { return complete() }
                guard onFailure == .cancelRest, let failure = future.failure, promise.future.tryFail(failure)
                else { return }
                for other in futures { other.cancel() }
            }
        }
    }
}

/// What `gather` does when one of its futures fails.
public enum GatherPolicy: Sendable {
    /// Waits for all the others first; nothing is cancelled.
    case all
    /// Fails at once and cancels the others.
    case cancelRest

    /// The first failure by position is the caller's; the others would be lost without a word.
    fileprivate static func reportAllButFirst(_ futures: [AnyFuture], _ quiet: QuietErrors) {
        let failures = futures.compactMap { future -> (any Error)? in
            future.failure.flatMap { $0 is CancellationError ? nil : $0 }
        }
        for error in failures.dropFirst() where !quiet.contains(error) {
            Report.failure("Several failures in one gather; also", error)
        }
    }
}
