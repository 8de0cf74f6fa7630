// Many futures, one at a time, as they complete. Pulled by `nextFuture()` in generator-style coroutines, by `next()` and
// `for try await` in native code (`Async/Completions+Async.swift`).
//
// The futures' observers hold this object, and it holds what has arrived and was not asked for yet. So it lives until all
// have come; what nobody asked for by then is known, and failures among it are reported.

/// The outcomes of several futures in the order of their completion. Made by `loop.asCompleted(…)`.
///
/// Each element says which future it is of and what that came to; a failure is an outcome like others and does not end the
/// iteration. It may be left and taken up again: every outcome is delivered once. Leaving it leaves the futures alone; a
/// failure that is never asked for is reported.
///
/// - Threads: any. Completions belong to the loop.
public final class Completions<Key: Sendable, Value: Sendable>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): the variables are touched on the loop's thread only, and in deinit.

    /// One future that is done.
    public struct Element: Sendable {
        /// Where it was in the array, or its key in the dictionary.
        public let key: Key
        /// The future itself.
        public let future: Future<Value>
        /// What it came to.
        public let outcome: Outcome<Value>

        /// Its value, or its failure thrown; `CancellationError` when it was cancelled.
        public func get() throws -> Value { try outcome.get() }
    }

    let loop: EventLoop
    private let quiet: QuietErrors
    private let origin: SourcePlace
    /// How many futures are not done.
    private var pending: Int
    private var arrived = Fifo<Element>()
    private var waiting = Fifo<Promise<Element?>>()

    init(of futures: [(Key, Future<Value>)], on loop: EventLoop, quiet: QuietErrors, origin: SourcePlace) {
        self.loop = loop
        self.quiet = quiet
        self.origin = origin
        pending = futures.count
        if loop.isCurrent { watch(futures) } else { loop.addCallback { self.watch(futures) } }
    }

    deinit {
        while let element = arrived.popFirst() { Report.late(element.outcome, quiet, origin: origin) }
    }

    /// A future of the next to complete, nil when all have been delivered:
    /// `while let done = try await co.yield(completions.nextFuture()) { … }`.
    ///
    /// Done at once when one has completed already. Several calls may wait; each gets one, in order. A call keeps its
    /// turn until its future is done or cancelled, also when nobody awaits that any more; native code says `next()`.
    ///
    /// - After close: fails with `LoopError.closed`.
    /// - Complexity: O(1).
    public func nextFuture(file: StaticString = #fileID, line: UInt = #line) -> Future<Element?> {
        let promise = Promise<Element?>(on: loop, file: file, line: line)
        promise.future.onLoop {
            // Those who gave up, so that asking again and again with a timeout leaves nothing behind.
            while self.waiting.first?.future.isDone == true { _ = self.waiting.popFirst() }
            self.waiting.append(promise)
            self.deliver()
        }
        return promise.future
    }

    /// Cancels a turn that nobody awaits any more; what it was given in the same moment is first in line again.
    func giveBack(_ next: Future<Element?>) {
        next.cancel()
        next.whenSettled(on: loop) {
            guard case .finished(let element?) = next.result else { return }
            self.arrived.prepend(element)
            self.deliver()
        }
    }

    private func watch(_ futures: [(Key, Future<Value>)]) {
        for (key, future) in futures {
            // Not through the observer: a future of another loop would have to travel, and those that are done come first.
            if future.isDone {
                arrive(key, future)
            } else {
                future.whenSettled(on: loop) { self.arrive(key, future) }
            }
        }
    }

    private func arrive(_ key: Key, _ future: Future<Value>) {
        guard let outcome = future.result else { return }
        pending -= 1
        arrived.append(Element(key: key, future: future, outcome: outcome))
        deliver()
    }

    /// Gives what has arrived to those who wait, and nil to the rest of them once nothing more can arrive.
    private func deliver() {
        while !arrived.isEmpty || pending == 0, let promise = waiting.popFirst() {
            let element = arrived.popFirst()
            // A call that was cancelled takes nothing.
            if let element, !promise.trySucceed(element) { arrived.prepend(element) }
            if element == nil { promise.trySucceed(nil) }
        }
    }
}

extension Completions.Element where Key == Int {
    /// Where the future was in the array.
    public var index: Int { key }
}

extension EventLoop {
    /// The outcomes of `futures` in the order of their completion; those that are done already come first, in their order.
    ///
    /// ```swift
    /// for try await done in loop.asCompleted(fetches) {
    ///     print(done.index, (try? done.get().status) ?? 0)
    /// }
    /// ```
    ///
    /// A future that appears twice is delivered twice. Failures that are never asked for are reported unless among
    /// `quiet`. May be called from any thread.
    ///
    /// - Complexity: O(n), and O(1) for each that is taken.
    public func asCompleted<Value: Sendable>(
        _ futures: [Future<Value>], quiet: QuietErrors = [], file: StaticString = #fileID, line: UInt = #line
    ) -> Completions<Int, Value> {
        let numbered = futures.enumerated().map { ($0.offset, $0.element) }
        return Completions(of: numbered, on: self, quiet: quiet, origin: SourcePlace(file: file, line: line))
    }

    /// The outcomes of `futures` with their keys, in the order of their completion. See the array form.
    public func asCompleted<Key: Hashable & Sendable, Value: Sendable>(
        _ futures: [Key: Future<Value>], quiet: QuietErrors = [], file: StaticString = #fileID, line: UInt = #line
    ) -> Completions<Key, Value> {
        let keyed = futures.map { ($0.key, $0.value) }
        return Completions(of: keyed, on: self, quiet: quiet, origin: SourcePlace(file: file, line: line))
    }
}

/// First in, first out, in one array: what was taken leaves a hole, and the holes are closed when half of it is holes.
private struct Fifo<Item> {
    private var items: [Item?] = []
    private var head = 0

    var isEmpty: Bool { head == items.count }
    var first: Item? { isEmpty ? nil : items[head] }

    mutating func append(_ item: Item) { items.append(item) }

    mutating func popFirst() -> Item? {
        guard !isEmpty else { return nil }
        let item = items[head].take()
        head += 1
        if head >= 16, head * 2 >= items.count {
            items.removeFirst(head)
            head = 0
        }
        return item
    }

    mutating func prepend(_ item: Item) {
        guard head > 0 else { return items.insert(item, at: 0) }
        head -= 1
        items[head] = item
    }
}
