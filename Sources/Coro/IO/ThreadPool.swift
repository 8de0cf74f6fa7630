// A few threads for calls that block. They are started when there is work and end when there has been none for a while.

internal import Glibc

/// Runs blocking work on at most `threadsMax` threads; more waits in a queue, in order.
final class ThreadPool: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): all state is touched under `mutex` only; the pthread objects have a fixed address.

    private let threadsMax: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let workArrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [@Sendable () -> Void] = []
    private var threads = 0
    private var idle = 0

    private static let idleSeconds = 10

    init(threadsMax: Int) {
        self.threadsMax = threadsMax
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(workArrived, nil)
    }

    deinit {
        // Threads hold the pool while they live, so there are none.
        pthread_cond_destroy(workArrived)
        pthread_mutex_destroy(mutex)
        workArrived.deallocate()
        mutex.deallocate()
    }

    func run(_ work: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(mutex)
        queue.append(work)
        if idle > 0 {
            pthread_cond_signal(workArrived)
        } else if threads < threadsMax, startThread() {
            threads += 1
        }
        pthread_mutex_unlock(mutex)
    }

    private func startThread() -> Bool {
        var thread = pthread_t()
        let pool = Unmanaged.passRetained(self)
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                // SAFETY: retained for this thread by the line above; released when the thread is done with it.
                let pool = Unmanaged<ThreadPool>.fromOpaque(argument).takeRetainedValue()
                pool.serve()
                return nil
            }, pool.toOpaque())
        guard failure == 0 else {
            // No thread to be had: those that live will take the work, in time. With none at all it waits for the next run.
            pool.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func serve() {
        pthread_mutex_lock(mutex)
        while true {
            if queue.isEmpty {
                guard waitForWork() else { break }
                continue
            }
            let work = queue.removeFirst()
            pthread_mutex_unlock(mutex)
            work()
            pthread_mutex_lock(mutex)
        }
        threads -= 1
        pthread_mutex_unlock(mutex)
    }

    /// Waits for a signal; false when none came in time and the thread should end.
    private func waitForWork() -> Bool {
        var until = timespec()
        clock_gettime(CLOCK_REALTIME, &until)
        until.tv_sec += ThreadPool.idleSeconds
        idle += 1
        let result = pthread_cond_timedwait(workArrived, mutex, &until)
        idle -= 1
        return result == 0 || !queue.isEmpty
    }
}
