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
        var quantum = Quantum(bytes: ByteStream.bytesPerTurn)
        while offset < end {
            // Two records, which a layer sends with one call.
            let most = Int(min(end - offset, Int64(2 * StreamTransport.recordLength)))
            let count = try await queuePiece(of: file, at: offset, count: most)
            if count == 0 { throw StreamError.ended(received: Int(offset - start)) }
            offset += Int64(count)
            try await sendQueued()
            quantum.spend(count)
            if quantum.renewIfSpent() { try await loop.moment() }
        }
    }

    /// Queues the next bytes of the file; 0 is its end.
    private func queuePiece(of file: Int32, at offset: Int64, count: Int) async throws -> Int {
        if let reason = channel.closeReason { throw reason }
        let room = channel.output.reserve(count, loop.buffers)
        let cached = cloop_file_read_cached(file, room.baseAddress, count, offset)
        if cached > 0 {
            channel.output.commit(Int(cached))
            return Int(cached)
        }
        channel.output.giveBackIfEmpty(loop.buffers)
        // Whatever it was, a read that may wait finds it again: a cold page, a file system that cannot tell, the end.
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
