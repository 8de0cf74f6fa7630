// A connection as its user sees it: what it is, what it has received, how it ends. Ways to read it are in `ByteReading` and
// `ByteStream+Reading`, writing is in `ByteStream+Writing`, the state in `StreamChannel`.

internal import CLoop
internal import Glibc

/// A stream of bytes in both directions, over a connected socket.
///
/// One task may read and another write at the same time. A read or write that is cancelled, or reaches the task's
/// deadline, has not happened: every byte is still there and the stream is usable. (Bytes already given to `write` stay
/// queued and go out by themselves.) However fast the peer is, a task that reads suspends every 2 MiB for one iteration of
/// the loop, so that others have their turn.
///
/// - Runs on: tasks of its loop; from another thread every method throws `StreamError.wrongThread`.
/// - Dropping the last reference closes the connection.
public final class ByteStream: ByteReading, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): every method first checks that it runs on the loop's thread; deinit sends itself there.

    let channel: StreamChannel

    /// Takes over a connected, non-blocking descriptor, which the stream closes. Loop's thread.
    ///
    /// - Throws: `IOError`; the descriptor is closed then too.
    public convenience init(takingOver descriptor: Int32, on loop: EventLoop) throws(IOError) {
        let family = cloop_socket_get(descriptor, SOL_SOCKET, SO_DOMAIN)
        try self.init(takingOver: descriptor, family: family, on: loop)
    }

    init(takingOver descriptor: Int32, family: Int32, on loop: EventLoop) throws(IOError) {
        channel = try StreamChannel(loop: loop, descriptor: descriptor, isLocal: family == AF_UNIX)
    }

    deinit {
        let channel = channel
        if channel.loop.isCurrent {
            channel.close()
        } else {
            // SAFETY: handed to the loop's thread, which alone touches it from now on.
            nonisolated(unsafe) let channel = channel
            channel.loop.addCallback { channel.close() }
        }
    }

    /// The loop the stream lives on.
    public var loop: EventLoop { channel.loop }

    // MARK: Reading

    // What reads pieces and lines is made of these three (`ByteReading`).

    /// How many received bytes the stream keeps, by default.
    public static let inputLimitDefault = 100 * 1024 * 1024

    /// The most bytes that may be received and not consumed: 100 MiB by default.
    ///
    /// A stream receives only when somebody reads it, and then no more than that read asks for and a buffer's worth beyond.
    /// This bounds what a read may ask for, such as `read(exactly:)` with a length that the peer has sent. A read that
    /// needs more throws `StreamError.limitExceeded`, and what came is still there; the rest waits in the peer. (So does one
    /// that would find the end right behind so many.) Memory of your own (`read(filling:)`) does not count, and bytes put back
    /// may exceed it.
    public var inputLimit: Int {
        get { channel.inputLimit }
        set {
            precondition(newValue > 0, "A stream must be allowed to receive at least one byte; \(newValue) is none.")
            channel.inputLimit = newValue
        }
    }

    /// The bytes received and not consumed. Valid until the stream is next used or the task suspends.
    public var unread: UnsafeRawBufferPointer { channel.input.bytes }

    /// Drops the first `count` of `unread`.
    public func consume(_ count: Int) {
        channel.input.consume(count)
        channel.input.giveBackIfEmpty(loop.buffers)
    }

    /// Throws when this task must not read now: `StreamError.busy` while another one is in the middle of a read, `.wrongThread`.
    public func checkReader() throws {
        try checkThread()
        try channel.checkReader()
    }

    /// Receives more behind what is unread; suspends while there is nothing to receive.
    ///
    /// - Returns: false when the peer has sent its last byte.
    /// - Throws: `StreamError`, `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func fill() async throws -> Bool {
        try checkReader()
        while true {
            if channel.isReaderTurnOver { try await channel.giveReaderTurn() }
            switch channel.receive() {
            case .moved: return true
            case .end: return false
            case .failed(let error): throw error
            case .wouldBlock: try await channel.waitUntilReadable()
            }
        }
    }

    // MARK: Ending

    /// Tells the peer that no more will come (FIN), once all that is queued has gone; reading goes on. Does not wait. Any
    /// thread: from another one the loop does it, after what was appended there before.
    public func finishWriting() {
        if loop.isCurrent { channel.finishWriting() } else { loop.addCallback { self.channel.finishWriting() } }
    }

    /// Closes the connection. What is queued or unread is dropped; waiting reads and writes throw `StreamError.closed`.
    /// A second call does nothing. Any thread.
    public func close() {
        if loop.isCurrent { channel.close() } else { loop.addCallback { self.channel.close() } }
    }

    /// Breaks the connection off (RST): what is queued is dropped, and the peer's reads fail instead of ending. For when the
    /// peer must not take what it got for complete. A second call, or one after `close()`, does nothing.
    public func reset() {
        if loop.isCurrent { channel.reset() } else { loop.addCallback { self.channel.reset() } }
    }

    /// Why the stream is closed, nil while it is open: what broke the connection, when a read or write had met that
    /// (`StreamError.broken` with the system's error), and `StreamError.closed` when nothing had. What is called after the
    /// close throws `StreamError.closed` either way.
    public var closeReason: StreamError? { channel.isOpen ? nil : channel.failure ?? channel.closeReason }

    /// True until `close()`, or the loop's.
    public var isOpen: Bool { channel.isOpen }

    /// The peer's address; nil when the connection is gone.
    public var peerAddress: SocketAddress? { try? Socket.peerAddress(channel.descriptor) }

    /// This side's address; nil when the connection is gone.
    public var localAddress: SocketAddress? { try? Socket.localAddress(channel.descriptor) }

    func checkThread() throws(StreamError) {
        guard loop.isCurrent else { throw .wrongThread }
    }
}

// MARK: The server's hot path

extension ByteStream {
    /// What one attempt to move bytes came to.
    package enum Attempt {
        case moved, end, wouldBlock
        case failed(StreamError)
    }

    /// Receives once, without waiting.
    package func receiveNow() -> Attempt { Attempt(channel.receive()) }

    /// Receives once, without waiting, and asks the kernel even if it has announced nothing since the last read.
    package func receiveUnannouncedNow() -> Attempt { Attempt(channel.receiveUnannounced()) }

    /// Sends what is queued as far as the kernel takes it, without waiting: `moved` when all of it went.
    ///
    /// - Parameter isLast: `close()` or `finishWriting()` follows now, before anything is waited for. Then it goes with the FIN in
    ///   one packet, and the peer wakes once.
    package func flushNow(isLast: Bool = false) -> Attempt {
        // Where the end would have to stand aside, what comes before it must not wait with it.
        channel.moreFollows = isLast && loop.isEndAdmitted && layer?.isKernelSending != true
        defer { channel.moreFollows = false }
        while !channel.output.isEmpty {
            switch channel.send() {
            case .moved, .end: continue
            case .wouldBlock: return .wouldBlock
            case .failed(let error): return .failed(error)
            }
        }
        channel.output.giveBackIfEmpty(loop.buffers)
        return .moved
    }

    /// Resumes `continuation` when a read is worth trying, or `wakeReader` is called. Knows nothing of cancellation: the
    /// stream's owner wakes it.
    package func resumeWhenReadableOrWoken(_ continuation: UnsafeContinuation<Void, Never>) {
        channel.resumeWhenReadableOrWoken(continuation)
    }

    /// Lets a task that waits to read look again.
    package func wakeReader() { channel.wakeReader() }

    /// Room for at least `count` more bytes of output; `commitOutput` says how many were written.
    package func reserveOutput(_ count: Int) -> UnsafeMutableRawBufferPointer {
        channel.output.reserve(count, loop.buffers)
    }

    package func commitOutput(_ count: Int) { channel.output.commit(count) }

    /// All bytes ever received; with `isReaderWaiting`, what a rate floor needs to know.
    package var receivedTotal: Int { channel.receivedTotal }
    /// All bytes ever sent.
    package var sentTotal: Int { channel.sentTotal }
    /// True while a task waits for the peer to send.
    package var isReaderWaiting: Bool { channel.isReaderWaiting }
    /// True while a task waits for the peer to read.
    package var isWriterWaiting: Bool { channel.isWriterWaiting }
    /// True while a task is in the middle of a write, asleep or not: it sends what is queued.
    package var hasWriter: Bool { channel.isWriting || channel.hasWriter }
}

extension ByteStream.Attempt {
    fileprivate init(_ progress: StreamChannel.Progress) {
        switch progress {
        case .moved: self = .moved
        case .end: self = .end
        case .wouldBlock: self = .wouldBlock
        case .failed(let error): self = .failed(error)
        }
    }
}
