// The two ends of a pipe, each on its own: what a process reads from us, and what we read from it. They are pipes and
// not sockets, so read(2) and write(2); the buffers and the waits are those of a stream.

internal import CLoop
internal import Glibc

/// One end of a pipe, with the bytes that were read and not consumed, or written and not taken.
final class PipeChannel: TwoWayDescriptor {
    var buffer = StreamBuffer()

    override func didClose() { buffer.discard(loop.buffers) }

    /// A pipe that blocks at both ends.
    static func openPipe() throws(IOError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        try IOError.check(cloop_pipe_open(&ends), "pipe2")
        return (ends[0], ends[1])
    }

    static func setBlocking(_ descriptor: Int32, _ blocks: Bool) {
        // The flag is of the open file description: this end has it, the other does not (pipe(7)).
        _ = fcntl(descriptor, F_SETFL, blocks ? 0 : O_NONBLOCK)
    }
}

/// The reading end of a pipe.
///
/// One task reads at a time. A read that is cancelled, or reaches the task's deadline, has not happened.
///
/// - Runs on: tasks of its loop; from another thread every method throws `StreamError.wrongThread`.
/// - Dropping the last reference closes the end.
public final class PipeReader: ByteReading, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): every method first checks that it runs on the loop's thread; deinit sends the close there.

    let channel: PipeChannel
    /// A writer that is always ahead makes no reader wait.
    private var quantum = Quantum(bytes: ByteStream.bytesPerTurn)

    /// Takes over the reading end of a pipe, which is made non-blocking and closed by the reader. Loop's thread.
    ///
    /// - Throws: `IOError`; the descriptor is closed then too.
    public init(takingOver descriptor: Int32, on loop: EventLoop) throws(IOError) {
        PipeChannel.setBlocking(descriptor, false)
        channel = try PipeChannel(descriptor, on: loop)
    }

    deinit { channel.close() }

    /// The loop the reader lives on.
    public var loop: EventLoop { channel.loop }

    /// The bytes received and not consumed. Valid until the reader is next used or the task suspends. Empty once closed.
    public var unread: UnsafeRawBufferPointer { channel.buffer.bytes }

    /// Drops the first `count` of `unread`.
    public func consume(_ count: Int) {
        channel.buffer.consume(count)
        channel.buffer.giveBackIfEmpty(loop.buffers)
    }

    /// Throws when this task must not read now: `StreamError.busy` while another one is in the middle of a read, `.wrongThread`.
    public func checkReader() throws {
        guard loop.isCurrent else { throw StreamError.wrongThread }
        try channel.checkNobodyTakes("reading")
    }

    /// Receives more behind what is unread; suspends while there is nothing to receive, and every 2 MiB for one iteration of
    /// the loop, so that others have their turn.
    ///
    /// - Returns: false when no writer is left and everything was received.
    /// - Throws: `StreamError.closed`, `.broken`, `.busy`, `.wrongThread`; `CancellationError`, `TimeoutError`,
    ///   `LoopError.closed`.
    public func fill() async throws -> Bool {
        try checkReader()
        while channel.isOpen {
            if quantum.renewIfSpent() {
                try await channel.giveReaderTurn()
                continue
            }
            let room = channel.buffer.reserve(PipeReader.leastRead, loop.buffers)
            let got = channel.take(atMost: room.count) {
                cloop_pipe_read(channel.descriptor, room.baseAddress, $0)
            }
            if got > 0 {
                channel.buffer.commit(Int(got))
                quantum.spend(Int(got))
                return true
            }
            channel.buffer.giveBackIfEmpty(loop.buffers)
            if got == 0 { return false }
            guard got == -Int64(EAGAIN) else { throw StreamError.broken(IOError(call: "read", code: Int32(-got))) }
            try await channel.waitUntilReadable("reading")
            quantum.renew()
        }
        throw StreamError.closed
    }

    private static let leastRead = 4096

    /// Closes this end: who writes at the other gets SIGPIPE or EPIPE. A second call does nothing; any thread.
    public func close() { channel.close() }

    /// True until `close()`, or the loop's.
    public var isOpen: Bool { channel.isOpen }
}

/// The writing end of a pipe.
///
/// One task writes at a time.
///
/// - Runs on: tasks of its loop; from another thread every method throws `StreamError.wrongThread`.
/// - Dropping the last reference closes the end.
public final class PipeWriter: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): every method first checks that it runs on the loop's thread; deinit sends the close there.

    let channel: PipeChannel
    /// A reader that is always ahead makes no writer wait.
    private var quantum = Quantum(bytes: ByteStream.bytesPerTurn)

    /// Takes over the writing end of a pipe, which is made non-blocking and closed by the writer. Loop's thread.
    ///
    /// - Throws: `IOError`; the descriptor is closed then too.
    public init(takingOver descriptor: Int32, on loop: EventLoop) throws(IOError) {
        PipeChannel.setBlocking(descriptor, false)
        channel = try PipeChannel(descriptor, on: loop)
    }

    deinit { channel.close() }

    /// The loop the writer lives on.
    public var loop: EventLoop { channel.loop }

    /// Queues bytes and writes them; suspends until the pipe has taken all that is queued.
    ///
    /// When the wait is cancelled, or reaches the task's deadline, what the pipe has not taken stays queued and goes
    /// before the next bytes, so that the reader never sees a hole.
    ///
    /// - Throws: `StreamError.broken` EPIPE when no reader is left, `.closed`, `.busy`, `.wrongThread`;
    ///   `CancellationError`, `TimeoutError`, `LoopError.closed`. Never SIGPIPE. After `StreamError.busy` nothing was queued.
    public func write(_ bytes: [UInt8]) async throws {
        try bytes.withUnsafeBytes { try queue($0) }
        try await flush()
    }

    /// Queues the UTF-8 of `text` and writes it. See `write([UInt8])`.
    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    /// Writes all that `source` has, as it comes and no faster than the pipe takes it.
    ///
    /// What is taken from the source is written or queued: a cancel, or a refusal, leaves the rest in it.
    public func write(contentsOf source: some ByteReading) async throws {
        while true {
            try source.checkReader()
            if source.unread.isEmpty {
                guard try await source.fill() else { return }
            }
            let bytes = source.unread
            try queue(bytes)
            source.consume(bytes.count)
            try await flush()
        }
    }

    private func queue(_ bytes: UnsafeRawBufferPointer) throws(StreamError) {
        try checkWriter()
        guard channel.isOpen else { throw .closed }
        channel.buffer.reserve(bytes.count, loop.buffers).copyMemory(from: bytes)
        channel.buffer.commit(bytes.count)
    }

    /// Writes what is queued; suspends until the pipe has taken all of it, and every 2 MiB for one iteration of the loop, so that
    /// others have their turn.
    public func flush() async throws {
        try checkWriter()
        while !channel.buffer.isEmpty {
            if quantum.renewIfSpent() {
                try await channel.giveWriterTurn()
                continue
            }
            let bytes = channel.buffer.bytes
            let written = channel.give(atMost: bytes.count) {
                cloop_pipe_write(channel.descriptor, bytes.baseAddress, $0)
            }
            if written >= 0 {
                channel.buffer.consume(Int(written))
                quantum.spend(Int(written))
            } else if written == -Int64(EAGAIN) {
                try await channel.waitUntilWritable("writing")
                quantum.renew()
            } else {
                throw StreamError.broken(IOError(call: "write", code: Int32(-written)))
            }
        }
        guard channel.isOpen else { throw StreamError.closed }
        channel.buffer.giveBackIfEmpty(loop.buffers)
    }

    private func checkWriter() throws(StreamError) {
        guard loop.isCurrent else { throw .wrongThread }
        try channel.checkNobodyGives("writing")
    }

    /// Closes this end: the reader finds the end behind what it was sent. What is queued is dropped. A second call does
    /// nothing; any thread.
    public func close() { channel.close() }

    /// True until `close()`, or the loop's.
    public var isOpen: Bool { channel.isOpen }

    /// Gives the end away, blocking again, as a program expects it. nil when it is closed, or bytes are queued in it.
    func handOver() -> Int32? {
        guard channel.isOpen, channel.buffer.isEmpty else { return nil }
        let descriptor = channel.release()
        PipeChannel.setBlocking(descriptor, true)
        return descriptor
    }
}
