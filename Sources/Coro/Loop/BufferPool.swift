// Buffers that streams borrow while they have bytes in them. An idle connection holds none, so the memory of ten
// thousand quiet connections is the memory of the few that talk.

/// Equal blocks of memory, lent and taken back on the loop's thread.
final class BufferPool {
    /// Room for most request heads, and for what one read of a busy connection brings.
    static let blockBytes = 16 * 1024
    /// Blocks kept for the next borrower; more are freed. 64 are 1 MiB.
    private static let keptMax = 64

    @exclusivity(unchecked) private var free: [UnsafeMutableRawPointer] = []

    func borrow() -> UnsafeMutableRawPointer {
        free.popLast() ?? .allocate(byteCount: BufferPool.blockBytes, alignment: 16)
    }

    func giveBack(_ block: UnsafeMutableRawPointer) {
        if free.count < BufferPool.keptMax { free.append(block) } else { block.deallocate() }
    }

    deinit {
        for block in free { block.deallocate() }
    }
}
