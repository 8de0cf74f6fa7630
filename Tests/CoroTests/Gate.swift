import Glibc

/// Blocks whoever waits, the whole thread, until it is opened; each opening lets one through.
final class Gate: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): sem_post(3) and sem_wait(3) may be called from any thread, and the semaphore has an
    // address of its own.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func open() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 {}
    }
}
