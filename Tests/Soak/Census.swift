// What a scenario may leave behind: nothing. Counted after a tenth of the repetitions, when what is made once has been
// made, and again at the end.

internal import AllocationCounter
internal import Coro
internal import CoroTesting
internal import Glibc

/// Counts loops, descriptors and memory.
final class Census {
    private struct Loop { weak var loop: EventLoop? }
    private var loops: [Loop] = []
    private var atFirst = Count()

    private struct Count {
        var descriptors = 0
        var blocks = 0
        var resident = 0
    }

    func watch(_ loop: EventLoop) {
        if loops.count >= 64 { loops.removeAll { $0.loop == nil } }
        loops.append(Loop(loop: loop))
    }

    /// Takes the count that the last one is compared with.
    func begin() {
        settle()
        atFirst = count()
    }

    /// Compares.
    ///
    /// - Returns: the growth, in words.
    /// - Throws: `Broken` when something has stayed behind.
    func end(after repetitions: Int) throws -> String {
        settle()
        let now = count()
        let left = living
        let descriptors = now.descriptors - atFirst.descriptors
        let blocks = now.blocks - atFirst.blocks
        let resident = (now.resident - atFirst.resident) / 1024
        let growth = "\(left) loops, \(descriptors) descriptors, \(blocks) blocks, \(resident) KiB"
        // Swift's pool and the allocator keep a little that depends on how many threads met; a leak is a block or more
        // in each repetition.
        let most = max(200, repetitions / 10)
        // A sanitizer keeps what was freed for a while, 256 MB of it (ASAN_OPTIONS, quarantine_size_mb).
        let mostResident = allocation_counts_available() ? 64 * 1024 : 512 * 1024
        if left > 0 || descriptors > 0 || blocks > most || resident > mostResident {
            throw Broken(description: "something stayed behind: \(growth)")
        }
        return growth
    }

    private var living: Int { loops.count { $0.loop != nil } }

    /// Another thread may be just about to let go of something.
    private func settle() {
        var patience = 2_000
        while living > 0, patience > 0 {
            patience -= 1
            usleep(1_000)
        }
        // Swift's own threads end what they do; nothing says when.
        usleep(20_000)
        // What the allocator keeps for the next who asks is no leak.
        heap_trim()
    }

    private func count() -> Count {
        let heap = allocation_counts_now()
        return Count(
            descriptors: OpenDescriptors.count, blocks: Int(heap.allocations) - Int(heap.frees), resident: resident)
    }

    /// Bytes of this process in RAM (proc_pid_statm(5), the second number, in pages).
    private var resident: Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let words = line.prefix { $0 != 0 }.split(separator: CChar(UInt8(ascii: " ")))
        let pages = words.count > 1 ? Int(String(decoding: words[1].map { UInt8(bitPattern: $0) }, as: UTF8.self)) : nil
        return (pages ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
