// Writing a connection: with a task that waits until the kernel has taken all (`write`, `flush`), or without one (`append`,
// and `drain` against a peer that does not read).

extension ByteStream {
    // MARK: Written and waited for

    /// Queues bytes and sends them; suspends until the kernel has taken all that is queued, and every 2 MiB, of this write or of
    /// several, for one iteration of the loop, so that others have their turn.
    ///
    /// Cancelled, or at the task's deadline, it throws, and the bytes stay queued and go out by themselves: the peer never
    /// sees a hole.
    ///
    /// - Throws: `StreamError`, `CancellationError`, `TimeoutError`, `LoopError.closed`. After `StreamError.busy`, and on a
    ///   connection that was broken before, nothing was queued.
    public func write(_ bytes: [UInt8]) async throws {
        try checkThread()
        try channel.checkWriter()
        if bytes.count >= ByteStream.worthNoCopy {
            try await writeWithoutCopying([bytes])
        } else if channel.isOpen {
            bytes.withUnsafeBytes { channel.queue($0) }
        }
        try await sendQueued()
    }

    /// Queues pieces in their order and sends them, many with one system call (sendmsg(2)); suspends until the kernel has
    /// taken all that is queued. Large pieces are not copied.
    ///
    /// Cancelled, or at the task's deadline, it throws, and what has not been sent of the pieces is queued and goes out by
    /// itself, in order.
    ///
    /// - Throws: as `write([UInt8])`.
    public func write(pieces: [[UInt8]]) async throws {
        try checkThread()
        try channel.checkWriter()
        let count = pieces.reduce(0) { $0 + $1.count }
        if count >= ByteStream.worthNoCopy {
            try await writeWithoutCopying(pieces)
        } else if channel.isOpen {
            for piece in pieces { piece.withUnsafeBytes { channel.queue($0) } }
        }
        try await sendQueued()
    }

    /// Queues the UTF-8 of `text` and sends it. See `write([UInt8])`.
    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    /// One call would go on for as long as the peer takes what it sends, for a gigabyte if need be, and the loop with it. Two
    /// megabytes are half a millisecond, and half of what Linux lets a socket's buffer grow to.
    static let bytesPerTurn = 2 << 20

    /// From this size on, pieces for the kernel are cheaper than one copy of ours.
    private static let worthNoCopy = 16 * 1024

    private func writeWithoutCopying(_ pieces: [[UInt8]]) async throws {
        var rest = OutgoingPieces(pieces)
        channel.isWriting = true
        defer { channel.endWriting() }
        var quantum = Quantum(bytes: ByteStream.bytesPerTurn)
        do {
            while rest.count > 0 {
                if quantum.renewIfSpent() { try await loop.moment() }
                let queued = channel.output.count
                switch channel.send(andThen: rest, atMost: quantum.left) {
                case .moved(let moved):
                    rest.advance(max(0, moved - queued))
                    quantum.spend(moved)
                case .end: continue
                case .failed(let error): throw channel.backlog?.failure ?? error
                case .wouldBlock:
                    try await channel.waitUntilWritable()
                    quantum.renew()
                }
            }
        } catch {
            if channel.isOpen, channel.breakage == nil { rest.forEachRest { channel.queue($0) } }
            throw error
        }
    }

    /// Sends what is queued; suspends until the kernel has taken all of it.
    ///
    /// - Throws: as `write([UInt8])`. Cancelled, or at the task's deadline, what is queued still goes out by itself.
    public func flush() async throws {
        try checkThread()
        // What was appended behind another task's write goes when that is done.
        if channel.isWriting { throw StreamError.busy("writing") }
        try await sendQueued()
    }

    /// Sends what is queued now. What is appended meanwhile stands behind it and is not waited for: it may never end.
    func sendQueued() async throws {
        var left = channel.output.count
        // What it leaves, for whatever reason, goes by itself.
        defer { if !channel.isWriting { channel.letGo() } }
        while left > 0 {
            if channel.isWriterTurnOver {
                try await channel.giveWriterTurn()
                left = min(left, channel.output.count)
                continue
            }
            switch channel.send() {
            case .moved(let sent): left -= sent
            case .end: continue
            case .failed(let error): throw channel.backlog?.failure ?? error
            case .wouldBlock:
                try await channel.waitUntilWritable()
                // Some of it may have gone by itself between the wake and this.
                left = min(left, channel.output.count)
            }
        }
        channel.output.giveBackIfEmpty(loop.buffers)
        if let reason = channel.closeReason ?? channel.breakage { throw reason }
    }

    // MARK: Appended, and drained

    /// Queues bytes, which go out by themselves; never suspends.
    ///
    /// What one iteration of the loop appends is sent in the next, with one system call, or with the first `write` or
    /// `flush` before that. What the kernel has no room for follows as it has some. Any number of tasks may append, also
    /// while another one writes: bytes appended by one call stay together, and come between two writes, never into one.
    ///
    /// `close()`, and dropping the stream, drop what has not gone yet: end with `flush()` or `drain()`.
    ///
    /// Nothing here waits for a peer that does not read: between appends, `drain()` does. On a closed stream, or a broken
    /// connection, it does nothing; of the break `drain`, `flush` and the reader are told. May be called from any thread; from
    /// another one the bytes are handed to the loop first.
    public func append(_ bytes: UnsafeRawBufferPointer) {
        if loop.isCurrent { channel.append(bytes) } else { append(Array(bytes)) }
    }

    /// Queues bytes, which go out by themselves; never suspends. See `append(UnsafeRawBufferPointer)`.
    public func append(_ bytes: [UInt8]) {
        guard loop.isCurrent else {
            loop.addCallback { self.append(bytes) }
            return
        }
        bytes.withUnsafeBytes { channel.append($0) }
    }

    /// Queues the UTF-8 of `text`, which goes out by itself. See `append(UnsafeRawBufferPointer)`.
    public func append(_ text: String) {
        var text = text
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    /// Waits for a peer that reads more slowly than you write: returns at once while no more than `waterMarks.high` bytes are
    /// unsent, and suspends until no more than `waterMarks.low` are otherwise.
    ///
    /// Any number of tasks may wait here. Cancelled, or at the task's deadline, it throws, and what is queued goes on.
    ///
    /// - Throws: `StreamError` when the connection is closed or broken, whatever is queued; `CancellationError`,
    ///   `TimeoutError`, `LoopError.closed`.
    public func drain() async throws {
        try checkThread()
        try await channel.drain()
        if let reason = channel.closeReason ?? channel.failure { throw reason }
    }

    /// When `drain()` waits and for how long: by default above 64 KiB and down to 16 KiB.
    public var waterMarks: WaterMarks {
        get { channel.backlog?.marks ?? WaterMarks() }
        set { channel.madeBacklog.marks = newValue }
    }

    /// How many bytes are queued and not sent.
    public var unsentCount: Int { channel.unsentCount }

    // MARK: Files

    /// Sends `count` bytes of an open file from `offset` on, after what is queued, without copying them to user space.
    ///
    /// File bytes are not queued: when this is cancelled half-way, a part has gone and how much is not known. Who wants to
    /// go on after a cancel says `write(file:from:upTo:)`; who does not, closes or resets the stream.
    ///
    /// - Throws: `StreamError.ended` when the file is shorter than that (it may have shrunk meanwhile); `.broken` with the
    ///   file's error when it cannot be read, after which the connection is as it was. Else as `write`.
    public func write(file: Int32, offset: Int64 = 0, count: Int) async throws {
        var offset = offset
        try await write(file: file, from: &offset, upTo: offset + Int64(count))
    }

    /// Sends the bytes of an open file from `offset` up to, not including, `end`, after what is queued.
    ///
    /// `offset` moves on with what is sent, also when this throws: a write that was cancelled goes on by the same call.
    /// Every 2 MiB it suspends for one iteration of the loop, however fast the peer reads, so that others have their turn.
    ///
    /// - Throws: as `write(file:offset:count:)`.
    public func write(file: Int32, from offset: inout Int64, upTo end: Int64) async throws {
        let start = offset
        try checkThread()
        try channel.checkWriter()
        channel.isWriting = true
        defer { channel.endWriting() }
        try await sendQueued()
        var quantum = Quantum(bytes: channel.bytesPerTurn(of: end - offset))
        while offset < end {
            // Asked each time: a layer that breaks meanwhile has something to say.
            if let layer, !layer.isKernelSending {
                return try await writeThroughLayer(file, from: &offset, since: start, upTo: end)
            }
            if quantum.renewIfSpent() { try await loop.moment() }
            switch channel.sendFile(file, offset: &offset, count: min(Int(end - offset), quantum.left)) {
            case .moved(let sent): quantum.spend(sent)
            case .end: throw StreamError.ended(received: Int(offset - start))
            case .failed(let error): throw error
            case .wouldBlock:
                try await channel.waitUntilWritable()
                quantum.renew()
            }
        }
    }
}
