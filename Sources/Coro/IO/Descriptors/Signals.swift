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
    // SAFETY (@unchecked Sendable): the source is touched on the loop's thread only; deinit sends the close there.

    public typealias Element = Int32

    private let source: ReadableDescriptor

    /// Blocks `signals` for the calling thread and reads them from now on.
    ///
    /// - Throws: `IOError` EINVAL for a number that is no signal, EMFILE.
    public init(_ signals: [Int32], on loop: EventLoop) throws(IOError) {
        source = try ReadableDescriptor(
            IOError.check(cloop_signals_open(signals, Int32(signals.count)), "signalfd"), on: loop)
    }

    deinit { source.close() }

    /// The next signal; suspends while there is none. Of equal signals that wait, the kernel keeps one.
    ///
    /// - Returns: nil once the loop is closed.
    /// - Throws: `CancellationError`, `TimeoutError`, `LoopError.closed`; `StreamError.busy` while another task waits,
    ///   `StreamError.wrongThread` on any but the loop's.
    public func next() async throws -> Int32? {
        guard source.loop.isCurrent || source.loop.isClosed else { throw StreamError.wrongThread }
        while source.isOpen {
            let signal = cloop_signals_take(source.descriptor)
            if signal > 0 { return signal }
            source.noteDrained()
            try await source.waitUntilReadable("reading")
        }
        return nil
    }

    public func makeAsyncIterator() -> Iterator { Iterator(signals: self) }

    /// Takes one signal after the other from its source.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let signals: SignalSource

        public mutating func next() async throws -> Int32? { try await signals.next() }
    }
}

extension EventLoop {
    /// The signals of these numbers that the process is sent from now on. See `SignalSource`.
    public func signals(_ signals: [Int32]) throws(IOError) -> SignalSource { try SignalSource(signals, on: self) }
}
