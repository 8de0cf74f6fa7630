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
        let promise = Promise<Other>(on: loop, file: file, line: line)
        promise.onCancel { self.cancel() }
        whenDone { done in
            do { promise.trySucceed(try transform(done.get())) } catch { promise.tryFail(error) }
        }
        return promise.future
    }
}
