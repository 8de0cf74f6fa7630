// What is built on a future's observers.

extension Future {
    /// Copies this future's outcome into `promise` once it is done, unless the promise has one already.
    ///
    /// Cancellation is copied like any other outcome, and cancelling the promise's future cancels this one.
    public func chain(to promise: Promise<Value>) {
        promise.onCancel { self.cancel() }
        onLoop {
            self.whenSettled {
                if let outcome = self.result { promise.tryComplete(outcome) }
            }
        }
    }

    /// A future of `transform` applied to the value; failures and cancellation pass through.
    public func map<Other: Sendable>(
        file: StaticString = #fileID, line: UInt = #line, _ transform: @escaping @Sendable (Value) throws -> Other
    ) -> Future<Other> {
        derived(SourcePlace(file: file, line: line)) { outcome, promise in
            promise.trySucceed(try transform(outcome.get()))
        }
    }

    /// A future of what the future that `transform` makes of the value comes to; failures and cancellation pass through.
    ///
    /// Cancelling the result cancels whichever of the two is under way.
    public func flatMap<Other: Sendable>(
        file: StaticString = #fileID, line: UInt = #line,
        _ transform: @escaping @Sendable (Value) throws -> Future<Other>
    ) -> Future<Other> {
        derived(SourcePlace(file: file, line: line)) { outcome, promise in
            try transform(outcome.get()).chain(to: promise)
        }
    }

    /// A future of the value, or, after a failure, of what `transform` makes of that. Cancellation passes through: it was
    /// asked for, and nothing is to be made good.
    public func recover(
        file: StaticString = #fileID, line: UInt = #line,
        _ transform: @escaping @Sendable (any Error) throws -> Value
    ) -> Future<Value> {
        derived(SourcePlace(file: file, line: line)) { outcome, promise in
            guard case .failed(let error) = outcome else { return _ = promise.tryComplete(outcome) }
            promise.trySucceed(try transform(error))
        }
    }

    /// A future that fails with `transform` of the failure; values and cancellation pass through.
    public func mapFailure(
        file: StaticString = #fileID, line: UInt = #line, _ transform: @escaping @Sendable (any Error) -> any Error
    ) -> Future<Value> {
        recover(file: file, line: line) { throw transform($0) }
    }

    /// A future of the same outcome, done after `action` has run with it, whatever it is.
    ///
    /// Cancelling the result cancels this future, and `action` runs then too.
    public func always(
        file: StaticString = #fileID, line: UInt = #line, _ action: @escaping @Sendable (Outcome<Value>) -> Void
    ) -> Future<Value> {
        derived(SourcePlace(file: file, line: line)) { outcome, promise in
            action(outcome)
            promise.tryComplete(outcome)
        }
    }

    /// A future whose promise `body` keeps, given this one's outcome, in an iteration of its own. What `body` throws
    /// fails it; cancelling it cancels this one.
    private func derived<Other: Sendable>(
        _ origin: SourcePlace, _ body: @escaping @Sendable (Outcome<Value>, Promise<Other>) throws -> Void
    ) -> Future<Other> {
        let promise = Promise<Other>(on: loop, origin: origin)
        promise.onCancel { self.cancel() }
        whenDone { done in
            guard let outcome = done.result else { return }
            do { try body(outcome, promise) } catch { promise.tryFail(error) }
        }
        return promise.future
    }
}
