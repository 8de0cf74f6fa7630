import Coro
import Glibc

/// What happened, in order, noted from any thread.
final class Journal<Entry: Sendable>: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `noted` is touched under the mutex only. A pthread one: the thread sanitizer cannot see
    // into Swift's `Mutex` and would report each correct use.
    private var noted: [Entry] = []
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() { pthread_mutex_init(mutex, nil) }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    var entries: [Entry] { locked { noted } }

    func note(_ entry: Entry) { locked { noted.append(entry) } }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}

/// An error of one test; the name tells the reports of parallel tests apart.
struct Oops: Error, Equatable {
    let name: String
    init(_ name: String = #function) { self.name = name }
}

/// The calling thread, to compare.
func thisThread() -> UInt { UInt(pthread_self()) }

/// Nanoseconds this thread has computed: what other tests and other processes do meanwhile does not count.
func threadTime() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Monotonic nanoseconds of real time.
func realTime() -> Int64 { MonotonicClock().now }
