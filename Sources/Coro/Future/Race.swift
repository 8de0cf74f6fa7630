// Many futures, one answer: the first to be done, or the first to succeed.
//
// A race owns its futures: once it is decided it cancels the others, and their failures are nobody's concern, because a
// moment later they would have been cancelled. With `cancelRest: false` it owns nothing: it cancels none, ever, and a
// loser that fails later is reported like any failure that nobody takes.

extension EventLoop {
    /// A future of what the first of `futures` to be done came to: its value, or its failure.
    ///
    /// Of several that are done already, the first by position wins. The others are cancelled, unless `cancelRest` is
    /// false; then they run on, they stay yours, and one that fails later is reported unless it is among `quiet`. A
    /// cancelled winner fails the race with `CancellationError`. Cancelling the race cancels all of them, unless
    /// `cancelRest` is false. An empty array fails with `EmptyRaceError`.
    ///
    /// - Complexity: O(n).
    public func firstOf<Value: Sendable>(
        _ futures: [Future<Value>], cancelRest: Bool = true, quiet: QuietErrors = [],
        file: StaticString = #fileID, line: UInt = #line
    ) -> Future<Value> {
        let origin = SourcePlace(file: file, line: line)
        return race(futures, cancelRest: cancelRest, quiet: quiet, origin: origin) { _, outcome in
            Result { try outcome.get() }
        }
    }

    /// A future of the first value among `futures`; failures are passed over while another may still succeed.
    ///
    /// When none succeeds it fails with `AllFailedError`, which has every failure in the order of `futures`; a cancelled
    /// one counts as a failure. For the rest see `firstOf`.
    ///
    /// - Complexity: O(n).
    public func firstSuccess<Value: Sendable>(
        _ futures: [Future<Value>], cancelRest: Bool = true, quiet: QuietErrors = [],
        file: StaticString = #fileID, line: UInt = #line
    ) -> Future<Value> {
        let origin = SourcePlace(file: file, line: line)
        var failures = [(any Error)?](repeating: nil, count: futures.count)
        var left = futures.count
        return race(futures, cancelRest: cancelRest, quiet: quiet, origin: origin) { index, outcome in
            do { return .success(try outcome.get()) } catch { failures[index] = error }
            left -= 1
            return left == 0 ? .failure(AllFailedError(failures: failures.compactMap(\.self))) : nil
        }
    }

    /// Shows each outcome to `decide`, in order of completion, until it names the outcome of the race.
    private func race<Value: Sendable>(
        _ futures: [Future<Value>], cancelRest: Bool, quiet: QuietErrors, origin: SourcePlace,
        decide: @escaping (Int, Outcome<Value>) -> Result<Value, any Error>?
    ) -> Future<Value> {
        let promise = Promise<Value>(on: self, origin: origin)
        guard !futures.isEmpty else {
            promise.tryFail(EmptyRaceError())
            return promise.future
        }
        let race = promise.future
        race.onLoop {
            if cancelRest { promise.onCancel { for future in futures { future.cancel() } } }
            for (index, future) in futures.enumerated() {
                // Decided by one that was done already. Futures that are not ours keep whoever else looks at them.
                if race.isDone && !cancelRest { return }
                future.whenSettled(on: self) {
                    guard let outcome = future.result else { return }
                    guard !promise.future.isDone else {
                        if !cancelRest { Report.late(outcome, quiet, origin: origin) }
                        return
                    }
                    let isDecided =
                        switch decide(index, outcome) {
                        case .success(let value): promise.trySucceed(value)
                        // Not cancelled, though it may be for a cancellation: nobody asked the race to end.
                        case .failure(let error): promise.future.tryFail(error)
                        case nil: false
                        }
                    if isDecided, cancelRest { for other in futures { other.cancel() } }
                }
            }
        }
        return race
    }
}

/// `firstOf` or `firstSuccess` was given no future, and nothing can ever win.
public struct EmptyRaceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Makes the error.
    public init() {}

    public var description: String { "A race needs at least one future; this one was given none." }
}

/// Every future of `firstSuccess` failed.
public struct AllFailedError: Error, Sendable, CustomStringConvertible {
    /// What each of them failed with, in the order they were given; `CancellationError` for a cancelled one.
    public let failures: [any Error]

    public var description: String {
        "All \(failures.count) failed: " + failures.map { "\($0)" }.joined(separator: "; ")
    }
}
