// The role of co's `wrap` and of Tornado's decorator: a function of arguments that returns a future, made from the body.

extension EventLoop {
    /// Makes a function that starts `body` as a coroutine, with its arguments, and returns the future.
    ///
    /// ```swift
    /// let fetchTwice = loop.wrap { (co, url: String) in
    ///     try await co.yield([fetch(url), fetch(url)])
    /// }
    /// let pages = fetchTwice("http://one.test/")
    /// ```
    ///
    /// The function may be called from any thread, any number of times. See `coroutine`.
    public func wrap<each Argument: Sendable, Returned: Sendable>(
        file: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping @Sendable (Coroutine, repeat each Argument) async throws -> Returned
    ) -> @Sendable (repeat each Argument) -> Future<Returned> {
        { (argument: repeat each Argument) in
            self.coroutine(file: file, line: line) { co in try await body(co, repeat each argument) }
        }
    }

    /// Makes a function that calls the plain function `body` and returns its value, or its error, in a future that is
    /// done: whatever is wrapped, the caller sees a future.
    ///
    /// (A name of its own: the compiler would take a body that happens not to wait for a plain one.)
    public func wrapPlain<each Argument: Sendable, Returned: Sendable>(
        file: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping @Sendable (repeat each Argument) throws -> Returned
    ) -> @Sendable (repeat each Argument) -> Future<Returned> {
        { (argument: repeat each Argument) in
            do {
                return Future(on: self, .finished(try body(repeat each argument)), file: file, line: line)
            } catch {
                return Future(on: self, Outcome(error: error), file: file, line: line)
            }
        }
    }
}
