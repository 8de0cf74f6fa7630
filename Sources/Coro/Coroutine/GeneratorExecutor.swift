// The executor of one generator's body. It runs nothing by itself: jobs are stored until somebody steps the generator.

final class GeneratorExecutor: TaskExecutor {
    private struct Stored: @unchecked Sendable {
        // SAFETY (@unchecked Sendable): guarded by the mutex around it.
        var jobs: [UnownedJob] = []
        var wake: (@Sendable () -> Void)?
    }

    /// Locked, because a body that awaits something native is enqueued from whatever thread that ends on.
    private let stored = Locked<Stored>(Stored())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let wake = stored.withLock { stored in
            stored.jobs.append(job)
            return stored.wake.take()
        }
        wake?()
    }

    /// Runs stored jobs on this thread, in the order they came, until there are none; returns how many there were.
    @discardableResult
    func runStoredJobs() -> Int {
        var count = 0
        while let job = stored.withLock({ $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }) {
            job.runSynchronously(on: asUnownedTaskExecutor())
            count += 1
        }
        return count
    }

    /// Calls `wake` once, as soon as there is a job to run, from whatever thread brings it.
    func whenEnqueued(_ wake: @escaping @Sendable () -> Void) {
        let isReady = stored.withLock { stored in
            if !stored.jobs.isEmpty { return true }
            stored.wake = wake
            return false
        }
        if isReady { wake() }
    }

    func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }
}
