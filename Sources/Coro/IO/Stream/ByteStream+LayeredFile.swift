// A file's bytes through a layer: sendfile(2) would send them in the clear, so they have to come to user space, unless it is
// the kernel that enciphers.
//
// Most files that are served are in the page cache, where reading is copying: preadv2(2) with RWF_NOWAIT does just that, and
// says when it would have to wait for a disk. Only then the read goes to a thread of the blocking pool.

internal import CLoop
internal import Glibc

extension ByteStream {
    /// Sends what `write(file:from:upTo:)` is to send, which has checked that nobody else writes and that nothing is queued.
    ///
    /// A piece is queued before it is sent, and `offset` counts it then: a layer that has made a part of a record out of it
    /// must be offered the same bytes again. After a cancel they go by themselves.
    func writeThroughLayer(
        _ file: Int32, from offset: inout Int64, since start: Int64, upTo end: Int64
    ) async throws {
        // Kept from piece to piece.
        defer { channel.output.giveBackIfEmpty(loop.buffers) }
        while offset < end {
            if let reason = channel.closeReason { throw reason }
            let most = Int(min(end - offset, Int64(StreamTransport.bytesTogether)))
            var count = channel.queueCached(file, at: offset, count: most)
            // Whatever it was, a read that may wait finds it again: a cold page, a file system that cannot tell, the end.
            if count <= 0 { count = try await queueRead(file, at: offset, count: most) }
            if count == 0 { throw StreamError.ended(received: Int(offset - start)) }
            offset += Int64(count)
            if !channel.sendNow() { try await sendQueued() }
        }
    }

    /// Queues the next bytes of the file, from wherever they are; 0 is its end.
    private func queueRead(_ file: Int32, at offset: Int64, count: Int) async throws -> Int {
        channel.output.giveBackIfEmpty(loop.buffers)
        do {
            let bytes = try await loop.runBlocking { try Descriptor.read(file, at: Int(offset), upTo: count) }
            if channel.isOpen { bytes.withUnsafeBytes { channel.queue($0) } }
            return bytes.count
        } catch let error as IOError {
            // As sendfile(2) has it: one error for both sides.
            throw StreamError.broken(error)
        }
    }
}

extension StreamChannel {
    /// Queues the next bytes of the file if they are at hand. 0 or less: not said.
    fileprivate func queueCached(_ file: Int32, at offset: Int64, count: Int) -> Int {
        let room = output.reserve(count, loop.buffers)
        let cached = Int(cloop_file_read_cached(file, room.baseAddress, count, offset))
        if cached > 0 { output.commit(cached) }
        return cached
    }

    /// Sends all that is queued, if that needs no waiting: neither for room nor for the others' turn.
    fileprivate func sendNow() -> Bool {
        while !output.isEmpty {
            guard !isWriterTurnOver, case .moved = send() else { return false }
        }
        return breakage == nil
    }
}
