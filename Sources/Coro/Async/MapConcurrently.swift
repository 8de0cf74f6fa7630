// The same work for many elements, a few at a time, in native code. Structured: child tasks that run on the loop and
// have all ended, one way or another, when the call returns or throws.

extension Sequence where Element: Sendable {
    /// What `transform` makes of each element, in the order of the elements, with at most `limit` of them under way.
    ///
    /// The first failure in time cancels those under way and is thrown when they have ended. Cancelling the calling task
    /// cancels them all; the task's deadline and other task-locals reach them. An element is taken from the sequence
    /// only when there is room for it.
    ///
    /// - Runs on: `transform` runs on `loop`; the sequence is asked where the caller runs.
    /// - Throws: what `transform` throws; `CancellationError` when the calling task was cancelled.
    public func mapConcurrently<Result: Sendable>(
        limit: Int, on loop: EventLoop, _ transform: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        var results = Results<Result>()
        try await concurrently(limit: limit, on: loop, transform) { results.put($1, at: $0) }
        return results.all
    }

    /// Runs `body` for each element, with at most `limit` of them under way. See `mapConcurrently`.
    public func forEachConcurrently(
        limit: Int, on loop: EventLoop, _ body: @escaping @Sendable (Element) async throws -> Void
    ) async throws {
        try await concurrently(limit: limit, on: loop, body) { _, _ in }
    }

    private func concurrently<Result: Sendable>(
        limit: Int, on loop: EventLoop, _ work: @escaping @Sendable (Element) async throws -> Result,
        each: (Int, Result) -> Void
    ) async throws {
        requireRoom(limit)
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            var started = 0
            var running = 0
            var elements = makeIterator()
            while true {
                // Throwing from here cancels the children and waits for them.
                if CancelScope.isCancelled(in: CancelScope.current) { throw CancellationError() }
                while running < limit, let element = elements.next() {
                    let index = started
                    group.addTask(executorPreference: loop) { (index, try await work(element)) }
                    started += 1
                    running += 1
                }
                guard let (index, result) = try await group.next() else { return }
                each(index, result)
                running -= 1
            }
        }
    }
}

extension AsyncSequence where Self: Sendable, Element: Sendable {
    /// What `transform` makes of each element, in the order of the elements, with at most `limit` of them under way.
    ///
    /// The first failure in time, of the sequence or of `transform`, cancels what is under way, the wait for the next
    /// element included, and is thrown when all has ended. Cancelling the calling task cancels everything; the task's
    /// deadline and other task-locals reach it. The sequence is asked for an element only when there is room for it.
    ///
    /// - Runs on: `loop`, both the sequence and `transform`.
    /// - Throws: what the sequence or `transform` throws; `CancellationError` when the calling task was cancelled.
    public func mapConcurrently<Result: Sendable>(
        limit: Int, on loop: EventLoop, _ transform: @escaping @Sendable (Element) async throws -> Result
    ) async throws -> [Result] {
        var results = Results<Result>()
        try await concurrently(limit: limit, on: loop, transform) { results.put($1, at: $0) }
        return results.all
    }

    /// Runs `body` for each element, with at most `limit` of them under way. See `mapConcurrently`.
    public func forEachConcurrently(
        limit: Int, on loop: EventLoop, _ body: @escaping @Sendable (Element) async throws -> Void
    ) async throws {
        try await concurrently(limit: limit, on: loop, body) { _, _ in }
    }

    /// Asking for an element is a child task too: a failure elsewhere must not wait for a sequence that is silent.
    private func concurrently<Result: Sendable>(
        limit: Int, on loop: EventLoop, _ work: @escaping @Sendable (Element) async throws -> Result,
        each: (Int, Result) -> Void
    ) async throws {
        requireRoom(limit)
        try await withThrowingTaskGroup(of: ChildResult<Element, Result>.self) { group in
            let source = Source(makeAsyncIterator())
            var mayAsk = true
            var started = 0
            var running = 0
            while true {
                if CancelScope.isCancelled(in: CancelScope.current) { throw CancellationError() }
                if mayAsk, running < limit {
                    mayAsk = false
                    group.addTask(executorPreference: loop) { .element(try await source.iterator.next()) }
                }
                switch try await group.next() {
                case .element(let element?):
                    let index = started
                    group.addTask(executorPreference: loop) { .result(index, try await work(element)) }
                    started += 1
                    running += 1
                    mayAsk = true
                case .result(let index, let result):
                    each(index, result)
                    running -= 1
                case .element(nil): continue
                case nil: return
                }
            }
        }
    }
}

private enum ChildResult<Element: Sendable, Result: Sendable>: Sendable {
    case element(Element?)
    case result(Int, Result)
}

private final class Source<Iterator: AsyncIteratorProtocol>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): made of a Sendable sequence, and used by one child task after the other: the next is
    // started when the one before has ended.
    var iterator: Iterator
    init(_ iterator: Iterator) { self.iterator = iterator }
}

/// Results that come in any order.
private struct Results<Result> {
    private var slots: [Result?] = []

    mutating func put(_ result: Result, at index: Int) {
        while slots.count <= index { slots.append(nil) }
        slots[index] = result
    }

    var all: [Result] { slots.compactMap(\.self) }
}

private func requireRoom(_ limit: Int) {
    precondition(limit > 0, "mapConcurrently needs room for at least one element at a time; limit was \(limit).")
}
