// A connection as its user sees it: read, write, close. The state is in `StreamChannel`.

/// A stream of bytes in both directions, over a connected socket.
///
/// One task may read and another write at the same time. A read or write that is cancelled, or reaches the task's
/// deadline, has not happened: every byte is still there and the stream is usable. (Bytes already given to `write` stay
/// queued and go out with the next flush.)
///
/// - Runs on: tasks of its loop; from another thread every method throws `StreamError.wrongThread`.
/// - Dropping the last reference closes the connection.
public final class ByteStream: ByteReading, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): every method first checks that it runs on the loop's thread; deinit sends itself there.

    let channel: StreamChannel

    /// Takes over a connected, non-blocking descriptor, which the stream closes. Loop's thread.
    ///
    /// - Throws: `IOError`; the descriptor is closed then too.
    public init(takingOver descriptor: Int32, on loop: EventLoop) throws(IOError) {
        channel = try StreamChannel(loop: loop, descriptor: descriptor)
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

    /// The bytes received and not consumed. Valid until the stream is next used or the task suspends.
    public var unread: UnsafeRawBufferPointer { channel.input.bytes }

    /// Drops the first `count` of `unread`.
    public func consume(_ count: Int) {
        channel.input.consume(count)
        channel.input.giveBackIfEmpty(loop.buffers)
    }

    /// Receives more behind what is unread; suspends while there is nothing to receive.
    ///
    /// - Returns: false when the peer has sent its last byte.
    /// - Throws: `StreamError`, `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func fill() async throws -> Bool {
        try checkThread()
        while true {
            switch channel.receive() {
            case .moved: return true
            case .end: return false
            case .failed(let error): throw error
            case .wouldBlock: try await channel.waitUntilReadable()
            }
        }
    }

    // MARK: Writing

    /// Queues bytes and sends them; suspends until the kernel has taken all that is queued.
    ///
    /// - Throws: `StreamError`, `CancellationError`, `TimeoutError`, `LoopError.closed`. After `StreamError.busy` nothing
    ///   was queued.
    public func write(_ bytes: [UInt8]) async throws {
        try checkThread()
        try channel.checkNobodyWrites()
        if bytes.count >= ByteStream.worthNoCopy {
            try await writeWithoutCopying(bytes)
        } else {
            bytes.withUnsafeBytes { append($0) }
        }
        try await flush()
    }

    /// From this size on, two pieces for the kernel are cheaper than one copy of ours.
    private static let worthNoCopy = 16 * 1024

    private func writeWithoutCopying(_ bytes: [UInt8]) async throws {
        var sent = 0
        channel.isWriting = true
        defer { channel.isWriting = false }
        do {
            while sent < bytes.count {
                let queued = channel.output.count
                let progress = bytes.withUnsafeBytes {
                    channel.send(andThen: UnsafeRawBufferPointer(rebasing: $0[sent...]))
                }
                switch progress {
                case .moved(let moved): sent += max(0, moved - queued)
                case .end: continue
                case .failed(let error): throw error
                case .wouldBlock: try await channel.waitUntilWritable()
                }
            }
        } catch {
            // Cancelled half-way: the rest is queued, so that the peer never sees a hole.
            bytes.withUnsafeBytes { append(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            throw error
        }
    }

    /// Queues the UTF-8 of `text` and sends it. See `write([UInt8])`.
    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    /// Queues bytes without sending: many small pieces, one system call. Not while another task is writing: they could
    /// come between its own.
    public func append(_ bytes: UnsafeRawBufferPointer) {
        guard channel.isOpen else { return }
        channel.output.reserve(bytes.count, loop.buffers).copyMemory(from: bytes)
        channel.output.commit(bytes.count)
    }

    /// Sends what is queued; suspends until the kernel has taken all of it.
    public func flush() async throws {
        try checkThread()
        while !channel.output.isEmpty {
            switch channel.send() {
            case .moved, .end: continue
            case .failed(let error): throw error
            case .wouldBlock: try await channel.waitUntilWritable()
            }
        }
        channel.output.giveBackIfEmpty(loop.buffers)
        if let reason = channel.closeReason { throw reason }
    }

    /// How many bytes are queued and not sent.
    public var unsentCount: Int { channel.output.count }

    /// Sends `count` bytes of an open file from `offset` on, after what is queued, without copying them to user space.
    ///
    /// File bytes are not queued: when this is cancelled half-way, a part has gone and how much is not known. Who wants to
    /// go on after a cancel says `write(file:from:upTo:)`; who does not, closes or resets the stream.
    ///
    /// - Throws: `StreamError.ended` when the file is shorter than that (it may have shrunk meanwhile). Else as `write`.
    public func write(file: Int32, offset: Int64 = 0, count: Int) async throws {
        var offset = offset
        try await write(file: file, from: &offset, upTo: offset + Int64(count))
    }

    /// Sends the bytes of an open file from `offset` up to, not including, `end`, after what is queued.
    ///
    /// `offset` moves on with what is sent, also when this throws: a write that was cancelled goes on by the same call.
    ///
    /// - Throws: as `write(file:offset:count:)`.
    public func write(file: Int32, from offset: inout Int64, upTo end: Int64) async throws {
        let start = offset
        try checkThread()
        try channel.checkNobodyWrites()
        channel.isWriting = true
        defer { channel.isWriting = false }
        try await flush()
        if layer != nil { return try await writeThroughLayer(file, from: &offset, upTo: end) }
        while offset < end {
            switch channel.sendFile(file, offset: &offset, count: Int(end - offset)) {
            case .moved: continue
            case .end: throw StreamError.ended(received: Int(offset - start))
            case .failed(let error): throw error
            case .wouldBlock: try await channel.waitUntilWritable()
            }
        }
    }

    // MARK: Ending

    /// Tells the peer that no more will come (FIN); reading goes on.
    public func finishWriting() { channel.finishWriting() }

    /// Closes the connection. What is queued or unread is dropped; waiting reads and writes throw `StreamError.closed`.
    /// A second call does nothing.
    public func close() {
        if loop.isCurrent { channel.close() } else { loop.addCallback { self.channel.close() } }
    }

    /// Breaks the connection off (RST): what is queued is dropped, and the peer's reads fail instead of ending. For when the
    /// peer must not take what it got for complete. A second call, or one after `close()`, does nothing.
    public func reset() {
        if loop.isCurrent { channel.reset() } else { loop.addCallback { self.channel.reset() } }
    }

    /// True until `close()`, or the loop's.
    public var isOpen: Bool { channel.isOpen }

    /// The peer's address; nil when the connection is gone.
    public var peerAddress: SocketAddress? { try? Socket.peerAddress(channel.descriptor) }

    /// This side's address; nil when the connection is gone.
    public var localAddress: SocketAddress? { try? Socket.localAddress(channel.descriptor) }

    private func checkThread() throws(StreamError) {
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
    package func flushNow() -> Attempt {
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

    /// Who is told that the peer has gone.
    package func observe(_ observer: (any StreamObserver)?) { channel.observer = observer }
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
