// State behind a lock. Swift's own `Mutex` would do, but on Linux its futex calls are in a library that the thread
// sanitizer cannot see into: every correct use of it is reported as a race, and a report that is always there hides the
// one that counts. The sanitizer knows pthread mutexes; uncontended, they cost the same.

internal import CLoop
internal import Glibc

/// A value that several threads touch, one at a time.
package final class Locked<State>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `state` is touched only between lock and unlock; the mutex has an address of its own
    // for life, as pthread_mutex_init(3) demands.

    private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    package init(_ state: sending State) {
        self.state = state
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` with the state, while no other thread has it. Not to be called again from within.
    @inline(__always)
    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }
}
