// Real time for tests that must not hang, whatever clock their loop goes by.

internal import Glibc
internal import Synchronization

/// Calls `bark` once after a while of real time, unless it is called off.
final class Watchdog: Sendable {
    /// Posted to call the watchdog off.
    nonisolated(unsafe) private let off: UnsafeMutablePointer<sem_t>
    private let barked = Atomic<Bool>(false)

    init(after seconds: Int, bark: @escaping @Sendable () -> Void) {
        off = .allocate(capacity: 1)
        sem_init(off, 0, 0)
        startThread {
            // The thread holds the watchdog, so the semaphore outlives the wait.
            if self.outlasts(seconds) { return }
            self.barked.store(true, ordering: .releasing)
            bark()
        }
    }

    deinit {
        sem_destroy(off)
        off.deallocate()
    }

    /// True once `bark` was called.
    var hasBarked: Bool { barked.load(ordering: .acquiring) }

    func callOff() { sem_post(off) }

    /// Waits; true when it was called off in time.
    private func outlasts(_ seconds: Int) -> Bool {
        var limit = timespec()
        clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += seconds
        while sem_timedwait(off, &limit) != 0 {
            if errno != EINTR { return false }
        }
        return true
    }
}
