// Elements between tasks of different loops, on different threads: the one thing here behind a lock.
//
// Each task sleeps on its own loop, and only that loop's thread may wake it, so serving and waking are two steps: under
// the lock an element changes hands, which is final; then the other side's loop is told. In between its task may be
// cancelled, time out or lose its loop; it then looks under the lock whether it was served before. A served sender has
// sent and a served receiver has received, whatever else happened, except that a receiver whose loop has closed can do
// nothing with an element any more: he puts it back, and the next receiver has it.

/// Elements between tasks of any loops and threads: first in, first out.
///
/// ```swift
/// let lines = Channel<String>(capacity: 16)
/// reading.spawn { while let line = try await input.readLine() { try await lines.send(line) } }
/// working.spawn { for try await line in lines { … } }
/// ```
///
/// With a capacity of zero, sender and receiver meet: `send` returns when somebody has received. Several tasks may send
/// and receive; each side is served in the order it came.
///
/// - Runs on: any thread. A task that must wait sleeps on the loop that runs it; one that runs on no loop names one.
public final class Channel<Element: Sendable>: AsyncSequence, Sendable {
    /// How many elements may be on their way; nil when as many as come.
    public let capacity: Int?
    private let state: Locked<State>

    fileprivate struct State {
        let limit: Int
        let buffer = Ring<Element>()
        /// Nobody waits to send while there is room, and nobody to receive while there is an element or a sender.
        var senders = Line()
        var receivers = Line()
        var isClosed = false
        /// Who was served in this step, and is woken after it.
        var served: Place?

        init(limit: Int) { self.limit = limit }
    }

    /// Makes an empty channel.
    ///
    /// - Parameter capacity: how many elements it may hold before `send` waits; zero to wait for the receiver, nil for no
    ///   bound.
    public init(capacity: Int? = 0) {
        precondition(capacity ?? 0 >= 0, "A channel's capacity cannot be negative.")
        self.capacity = capacity
        state = Locked(State(limit: capacity ?? .max))
    }

    /// How many elements it held a moment ago. Any thread.
    public var count: Int { state.withLock { $0.buffer.count } }

    /// Whether `close` was called. Any thread; there may still be elements.
    public var isClosed: Bool { state.withLock { $0.isClosed } }

    /// How many tasks wait to send and to receive.
    var waiting: (senders: Int, receivers: Int) { state.withLock { ($0.senders.count, $0.receivers.count) } }

    // MARK: Sending

    /// Sends an element; suspends until there is room for it or, with a capacity of zero, a receiver.
    ///
    /// - Parameter loop: where to wait; by default the loop that runs the caller.
    /// - Throws: `SyncError.closed` when the channel is, or is closed meanwhile; `CancellationError`; `TimeoutError` past
    ///   the task's deadline; `LoopError.closed` of the loop it waits on; `SyncError.noLoop` when it would have to wait
    ///   and there is none. The element was not sent then, and never will be.
    public func send(_ element: Element, on loop: EventLoop? = nil) async throws {
        if try trySend(element) { return }
        guard let loop = loop ?? EventLoop.current else { throw SyncError.noLoop }
        let slot = Slot(element, on: loop)
        do {
            try await wait(at: slot) { state in
                if state.isClosed { return true }
                guard state.offer(element) else { return false }
                slot.element = nil
                return true
            }
        } catch {
            // Taken before the wait ended otherwise: it is sent.
            if isPresent(slot) { throw error }
            return
        }
        if isPresent(slot) { throw SyncError.closed }
    }

    /// Sends an element if there is room or a receiver waits; false otherwise. Never suspends.
    ///
    /// - Throws: `SyncError.closed`.
    public func trySend(_ element: Element) throws(SyncError) -> Bool {
        let sent: Bool? = step { state in state.isClosed ? nil : state.offer(element) }
        guard let sent else { throw .closed }
        return sent
    }

    // MARK: Receiving

    /// Takes the next element; suspends while there is none. Nil when the channel is closed and empty.
    ///
    /// - Parameter loop: where to wait; by default the loop that runs the caller.
    /// - Throws: `CancellationError`; `TimeoutError` past the task's deadline; `LoopError.closed` of the loop it waits on;
    ///   `SyncError.noLoop` when it would have to wait and there is none. No element was taken then.
    public func receive(on loop: EventLoop? = nil) async throws -> Element? {
        var isClosed = false
        let first = step { state in
            isClosed = state.isClosed
            return state.take()
        }
        if first != nil || isClosed { return first }
        guard let loop = loop ?? EventLoop.current else { throw SyncError.noLoop }
        let slot = Slot<Element>(on: loop)
        do {
            try await wait(at: slot) { state in
                slot.element = state.take()
                return slot.element != nil || state.isClosed
            }
        } catch {
            guard let element = state.withLock({ _ in slot.element }) else { throw error }
            guard error is LoopError else { return element }
            step { $0.putBack(element) }
            throw error
        }
        return state.withLock { _ in slot.element }
    }

    /// Takes the next element if there is one; nil otherwise. Never suspends.
    public func tryReceive() -> Element? { step { $0.take() } }

    // MARK: Closing

    /// Ends the channel: what it holds may still be received, and nothing more is sent.
    ///
    /// Tasks that wait to send are woken and throw `SyncError.closed`; tasks that wait to receive are woken and have nil. A
    /// second call does nothing. Any thread.
    public func close() {
        let woken = state.withLock { state in
            state.isClosed = true
            var woken: [Place] = []
            while let place = state.receivers.takeFirst() ?? state.senders.takeFirst() { woken.append(place) }
            return woken
        }
        for place in woken { place.wake() }
    }

    // MARK: AsyncSequence

    public func makeAsyncIterator() -> Iterator { Iterator(channel: self) }

    /// Receives one element after the other; all iterators of a channel share its elements.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let channel: Channel<Element>

        public mutating func next() async throws -> Element? { try await channel.receive() }
    }

    // MARK: Steps

    /// Changes the state under the lock, and then wakes whom that served. Not under the lock: a task that is woken on this
    /// very thread leaves its line, which takes it again.
    private func step<Result>(_ body: (inout State) -> Result) -> Result {
        var served: Place?
        let result = state.withLock { state in
            defer { served = state.served.take() }
            return body(&state)
        }
        served?.wake()
        return result
    }

    /// Suspends the task on its place's loop until somebody serves it; not when `isServed` says that it is already.
    private func wait(
        at slot: Slot<Element>, unless isServed: @escaping (inout State) -> Bool
    ) async throws {
        let deadline = Deadline.current
        try await park(on: slot.loop) { waiter in
            // Cancelled on its way here from another thread: takes nothing.
            guard !waiter.isAwake else { return }
            let wake: Wake? = self.step { state in
                if isServed(&state) { return .ready }
                if let deadline, deadline <= slot.loop.now { return .timedOut }
                slot.waiter = waiter
                state.join(slot)
                return nil
            }
            if let wake { return waiter.wake(wake) }
            // Served by now, perhaps, but not woken: only this thread does that.
            waiter.whenWoken { self.state.withLock { $0.leave(slot) } }
        }
    }

    private func isPresent(_ slot: Slot<Element>) -> Bool { state.withLock { _ in slot.element != nil } }
}

extension Channel.State {
    /// Hands the element to the first receiver, or stores it; false when there is neither.
    fileprivate mutating func offer(_ element: Element) -> Bool {
        if serve(element) { return true }
        guard buffer.count < limit else { return false }
        buffer.append(element)
        return true
    }

    /// The next element, stored or brought; the first sender fills the room.
    fileprivate mutating func take() -> Element? {
        guard buffer.count > 0 else { return takeFromSender() }
        let element = buffer.removeFirst()
        if buffer.count < limit, let brought = takeFromSender() { buffer.append(brought) }
        return element
    }

    /// Takes an element back that was handed over and cannot be used there: it is the next again. For a moment the channel
    /// may hold one more than its capacity.
    fileprivate mutating func putBack(_ element: Element) {
        if !serve(element) { buffer.prepend(element) }
    }

    // A sender's slot has its element for as long as it is in line, a receiver's has none.

    fileprivate mutating func join(_ slot: Slot<Element>) {
        if slot.element == nil { receivers.append(slot) } else { senders.append(slot) }
    }

    /// Does nothing when the slot was served, and so is in line no more.
    fileprivate mutating func leave(_ slot: Slot<Element>) {
        if slot.element == nil { receivers.remove(slot) } else { senders.remove(slot) }
    }

    private mutating func serve(_ element: Element) -> Bool {
        guard let receiver = Self.takeFirst(from: &receivers) else { return false }
        receiver.element = element
        served = receiver
        return true
    }

    private mutating func takeFromSender() -> Element? {
        guard let sender = Self.takeFirst(from: &senders) else { return nil }
        served = sender
        return sender.element.take()
    }

    /// The first in line whose loop is there. The others are left out: their loops, closing, wake them.
    private static func takeFirst(from line: inout Line) -> Slot<Element>? {
        while let place = line.takeFirst() {
            if !place.loop.isClosed { return unsafeDowncast(place, to: Slot<Element>.self) }
        }
        return nil
    }
}
