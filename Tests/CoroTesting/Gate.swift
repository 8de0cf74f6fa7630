// Where a thread waits for another: for tests of what threads do to a loop.

internal import Glibc

/// Blocks whoever waits, the whole thread, until it is opened; each opening lets one through.
package final class Gate: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): sem_post(3) and sem_wait(3) may be called from any thread, and the semaphore has an
    // address of its own for life.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    package init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func open() { sem_post(semaphore) }

    package func wait() {
        while sem_wait(semaphore) != 0 {}
    }

    /// False when it was not opened for so long in real time, so that a failing test ends.
    package func wait(seconds: Int) -> Bool {
        var limit = timespec()
        clock_gettime(CLOCK_REALTIME, &limit)
        limit.tv_sec += seconds
        while sem_timedwait(semaphore, &limit) != 0 {
            if errno != EINTR { return false }
        }
        return true
    }
}
