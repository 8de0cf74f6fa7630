// Bytes on their way: received and not consumed, or written and not sent. The only buffer in the system.

internal import Glibc

/// A block of memory with unread bytes in the middle. Borrowed from the loop's pool when the first byte comes, given
/// back when the last one goes; grows beyond a block only when one message needs it.
struct StreamBuffer {
    private var base: UnsafeMutableRawPointer?
    /// The size of the block; 0 while none is held.
    private(set) var capacity = 0
    private var start = 0
    private var end = 0

    var count: Int { end - start }
    var isEmpty: Bool { start == end }

    /// The bytes that are there; valid until the buffer is next touched.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base.map { $0 + start }, count: end - start) }

    mutating func consume(_ count: Int) {
        start += min(count, end - start)
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Room for at least `count` more bytes after those that are there; `commit` says how many were written.
    mutating func reserve(_ count: Int, _ pool: BufferPool) -> UnsafeMutableRawBufferPointer {
        if capacity - end < count { makeRoom(count, pool) }
        return UnsafeMutableRawBufferPointer(start: base.map { $0 + end }, count: capacity - end)
    }

    mutating func commit(_ count: Int) { end += count }

    /// Puts bytes in front of those that are there.
    mutating func prepend(_ bytes: UnsafeRawBufferPointer, _ pool: BufferPool) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        if start >= bytes.count {
            start -= bytes.count
        } else {
            _ = reserve(bytes.count, pool)
            if let base { memmove(base + start + bytes.count, base + start, count) }
            end += bytes.count
        }
        if let base { (base + start).copyMemory(from: source, byteCount: bytes.count) }
    }

    private mutating func makeRoom(_ count: Int, _ pool: BufferPool) {
        let unread = end - start
        guard let old = base else {
            capacity = max(BufferPool.blockBytes, count)
            base = capacity == BufferPool.blockBytes ? pool.borrow() : .allocate(byteCount: capacity, alignment: 16)
            return
        }
        // Moving many bytes for a little room would make the copying quadratic; within one block it cannot.
        if capacity - unread >= count, capacity == BufferPool.blockBytes || start >= unread {
            memmove(old, old + start, unread)
        } else {
            // Doubling keeps the copying linear in what was received.
            let larger = max(capacity * 2, unread + count)
            let new = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            memcpy(new, old + start, unread)
            release(old, pool)
            base = new
            capacity = larger
        }
        start = 0
        end = unread
    }

    /// Gives the memory back if nothing is in it.
    mutating func giveBackIfEmpty(_ pool: BufferPool) {
        guard start == end, let old = base else { return }
        release(old, pool)
        base = nil
        capacity = 0
        start = 0
        end = 0
    }

    /// Gives back what is not needed until more comes: all that is empty, and a large block that a few bytes are left in.
    mutating func rest(_ pool: BufferPool) {
        giveBackIfEmpty(pool)
        // Half a block, so that what comes next need not make it large again.
        guard let old = base, capacity > BufferPool.blockBytes, count <= BufferPool.blockBytes / 2 else { return }
        let new = pool.borrow()
        new.copyMemory(from: old + start, byteCount: count)
        release(old, pool)
        base = new
        capacity = BufferPool.blockBytes
        (start, end) = (0, count)
    }

    /// Drops what is there and gives the memory back.
    mutating func discard(_ pool: BufferPool) {
        start = end
        giveBackIfEmpty(pool)
    }

    private func release(_ block: UnsafeMutableRawPointer, _ pool: BufferPool) {
        if capacity == BufferPool.blockBytes { pool.giveBack(block) } else { block.deallocate() }
    }
}
