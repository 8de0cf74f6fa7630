// Signals as something to read: signalfd(2). No handler runs anywhere, so nothing is ever interrupted in the middle.

internal import CLoop
internal import Glibc

/// The signals a process is sent, as a sequence of their numbers.
///
///     for try await signal in try loop.signals([SIGINT, SIGTERM]) { … }
///
/// Make it before any other thread is started: the signals are blocked for the thread that makes it and for those
/// started after, and a thread that does not block a signal dies of it as ever. They stay blocked when the source is gone.
///
/// - Runs on: tasks of its loop. One task reads.
public final class SignalSource: AsyncSequence, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): the channel is touched on the loop's thread only; deinit sends the close there.

    public typealias Element = Int32

    private let channel: SignalChannel

    /// Blocks `signals` for the calling thread and reads them from now on.
    ///
    /// - Throws: `IOError` EINVAL for a number that is no signal, EMFILE.
    public init(_ signals: [Int32], on loop: EventLoop) throws(IOError) {
        channel = try SignalChannel(
            loop: loop, descriptor: IOError.check(cloop_signals_open(signals, Int32(signals.count)), "signalfd"))
    }

    deinit {
        // SAFETY: closed on the loop's thread.
        nonisolated(unsafe) let channel = channel
        if channel.loop.isCurrent { channel.close() } else { channel.loop.addCallback { channel.close() } }
    }

    /// The next signal; suspends while there is none. Of equal signals that wait, the kernel keeps one.
    ///
    /// - Returns: nil once the loop is closed.
    /// - Throws: `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func next() async throws -> Int32? {
        while channel.isOpen {
            let signal = cloop_signals_take(channel.descriptor)
            if signal > 0 { return signal }
            try await channel.waitUntilReadable()
        }
        return nil
    }

    public func makeAsyncIterator() -> Iterator { Iterator(source: self) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let source: SignalSource

        public mutating func next() async throws -> Int32? { try await source.next() }
    }
}

extension EventLoop {
    /// The signals of these numbers that the process is sent from now on. See `SignalSource`.
    public func signals(_ signals: [Int32]) throws(IOError) -> SignalSource { try SignalSource(signals, on: self) }
}

private final class SignalChannel: Registration {
    let loop: EventLoop
    private(set) var descriptor: Int32
    private var isReadable = true
    private var waiter: Waiter?

    init(loop: EventLoop, descriptor: Int32) throws(IOError) {
        self.loop = loop
        self.descriptor = descriptor
        do throws(IOError) {
            try loop.poller.register(self, interest: Interest.waker)
        } catch {
            Descriptor.close(descriptor)
            throw error
        }
    }

    var isOpen: Bool { descriptor >= 0 }

    /// Called when there was nothing to take; the next signal is an edge of its own.
    func waitUntilReadable() async throws {
        if waiter != nil { throw StreamError.busy("reading") }
        isReadable = false
        try await park(on: loop) { waiter in
            guard self.isOpen, !self.isReadable else { return waiter.wake(.ready) }
            self.waiter = waiter
            waiter.whenWoken { self.waiter = nil }
        }
    }

    func deliver(_ readiness: Readiness) {
        isReadable = true
        waiter?.wake(.ready)
    }

    func close() {
        guard isOpen else { return }
        loop.poller.forget(self)
        Descriptor.close(descriptor)
        descriptor = -1
        waiter?.wake(.ready)
    }

    func abandon() { close() }
}
