// What a connection can do beyond any source of bytes: receive straight into memory of the caller's, and take bytes back.

extension ByteStream {
    /// Reads what is there into memory of the caller's, at least one byte; suspends while there is none.
    ///
    /// What was received before comes first. A buffer of 16 KiB or more is then received into without a copy. The memory is
    /// the caller's to keep alive until this returns or throws; no pointer to it is kept afterwards. Cancelled, or at the
    /// task's deadline, it has read nothing.
    ///
    /// - Returns: how many bytes were read; 0 when the peer has sent its last byte, and for an empty buffer.
    /// - Throws: `StreamError`, `CancellationError`, `TimeoutError`, `LoopError.closed`.
    public func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        guard !buffer.isEmpty else { return 0 }
        try checkReader()
        if unread.isEmpty {
            if buffer.count >= BufferPool.blockBytes { return try await receive(into: buffer) }
            guard try await fill() else { return 0 }
        }
        return take(into: buffer)
    }

    /// Reads exactly as many bytes as `buffer` has room for, whatever `inputLimit` is.
    ///
    /// The memory is the caller's to keep alive until this returns or throws. After a throw its contents say nothing, and
    /// all that came is still in the stream.
    ///
    /// - Throws: `StreamError.ended` when the end comes first. Else as `read(into:)`.
    public func read(filling buffer: UnsafeMutableRawBufferPointer) async throws {
        var filled = 0
        do {
            while filled < buffer.count {
                let got = try await read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
                guard got > 0 else { throw StreamError.ended(received: filled) }
                filled += got
            }
        } catch {
            channel.putBack(UnsafeRawBufferPointer(rebasing: buffer[..<filled]))
            throw error
        }
    }

    /// Reads exactly `count` bytes. What is large is received straight into its place: through the buffer it would be copied
    /// twice, and pages by the hundred would come and go with each message.
    public func read(exactly count: Int) async throws -> [UInt8] {
        try checkReader()
        guard count - unread.count >= BufferPool.blockBytes, count <= inputLimit else {
            return try await buffered(exactly: count)
        }
        // SAFETY: every byte is received before anybody sees the array; after a throw nobody does.
        var bytes = [UInt8](unsafeUninitializedCapacity: count) { $1 = count }
        var filled = bytes.withUnsafeMutableBytes { take(into: $0) }
        do {
            while filled < count {
                if channel.isReaderTurnOver { try await channel.giveReaderTurn() }
                let progress = bytes.withUnsafeMutableBytes {
                    channel.receive(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
                }
                switch progress {
                case .moved(let got): filled += got
                case .end: throw StreamError.ended(received: filled)
                case .failed(let error): throw error
                case .wouldBlock: try await channel.waitUntilReadable()
                }
            }
        } catch {
            bytes.withUnsafeBytes { channel.putBack(UnsafeRawBufferPointer(rebasing: $0[..<filled])) }
            throw error
        }
        return bytes
    }

    private func buffered(exactly count: Int) async throws -> [UInt8] {
        while unread.count < count {
            guard try await fill() else { throw StreamError.ended(received: unread.count) }
        }
        return [UInt8](unsafeUninitializedCapacity: count) { $1 = take(into: UnsafeMutableRawBufferPointer($0)) }
    }

    /// Puts bytes back in front of those that are unread: the next read has them first. A protocol that finds that it has
    /// read too far is well served by `peek(atLeast:)`, too.
    ///
    /// - Throws: `StreamError.closed`; `.busy` while another task is in the middle of a read; `.wrongThread`.
    /// - Complexity: O(n + m) with n unread and m new bytes; O(m) for what was just consumed.
    public func putBack(_ bytes: [UInt8]) throws(StreamError) {
        try checkThread()
        guard channel.isOpen else { throw .closed }
        try channel.checkReader()
        bytes.withUnsafeBytes { channel.putBack($0) }
    }

    private func receive(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        while true {
            if channel.isReaderTurnOver { try await channel.giveReaderTurn() }
            switch channel.receive(into: buffer) {
            case .moved(let count): return count
            case .end: return 0
            case .failed(let error): throw error
            case .wouldBlock: try await channel.waitUntilReadable()
            }
        }
    }
}

extension StreamChannel {
    /// Puts bytes in front of those that are unread.
    func putBack(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen else { return }
        input.prepend(bytes, loop.buffers)
    }
}
