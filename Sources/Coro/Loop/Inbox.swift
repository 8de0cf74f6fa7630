// Work from other threads. The only structure here that two threads touch at once: one lock, one flag, one eventfd.
//
// The waker is signalled only when the loop sleeps or is about to. `prepareToSleep` raises `sleeping` and then looks
// for work; `add` puts work in and then lowers `sleeping`. Both are sequentially consistent, so whichever comes
// second sees the other: either the loop finds the work and does not sleep, or the adder finds the flag and signals.

internal import CLoop
internal import Synchronization

final class Inbox: Sendable {
    /// The waker's token: no registration can have generation 0, so `Poller.deliver` drops its events by itself.
    static let token: UInt64 = 0

    let waker: Waker
    private let arrived = Locked<Arrivals>(Arrivals())
    private let count = Atomic<Int>(0)
    private let sleeping = Atomic<Bool>(false)

    private struct Arrivals: Sendable {
        var work: [Work] = []
        /// Set when the loop has closed; from then on jobs are run by whoever brings them.
        var afterlife: UnownedTaskExecutor?
        var isDraining = false
    }

    init() throws(IOError) { waker = try Waker() }

    // Not before: another thread may be just about to signal, and the number could be somebody else's by then.
    deinit { waker.close() }

    /// Adds work from any thread; false when the loop is closed and a callback was dropped.
    func add(_ work: consuming Work) -> Bool {
        let work = work
        let isOpen = arrived.withLock { arrivals in
            if arrivals.afterlife != nil {
                // A dropped Swift job would be a task that never ends, so jobs are always taken.
                guard case .job = work else { return false }
                arrivals.work.append(work)
                return false
            }
            arrivals.work.append(work)
            count.store(arrivals.work.count, ordering: .sequentiallyConsistent)
            return true
        }
        guard isOpen else { return runAfterlife() }
        if sleeping.load(ordering: .sequentiallyConsistent),
            sleeping.exchange(false, ordering: .sequentiallyConsistent)
        {
            waker.signal()
        }
        return true
    }

    @inline(__always)
    var hasWork: Bool { count.load(ordering: .acquiring) != 0 }

    /// Announces that the loop is about to wait; false when work arrived and it must not.
    func prepareToSleep() -> Bool {
        sleeping.store(true, ordering: .sequentiallyConsistent)
        if count.load(ordering: .sequentiallyConsistent) != 0 {
            sleeping.store(false, ordering: .sequentiallyConsistent)
            return false
        }
        return true
    }

    /// The loop is awake and looks into the inbox by itself.
    func wakeUp() { sleeping.store(false, ordering: .relaxed) }

    func drain(into ready: inout WorkQueue) {
        arrived.withLock { arrivals in
            ready.append(contentsOf: arrivals.work)
            arrivals.work.removeAll(keepingCapacity: true)
            count.store(0, ordering: .sequentiallyConsistent)
        }
    }

    /// From here on callbacks are dropped and jobs kept. What is there goes into `ready`: it was accepted, and what the
    /// callbacks hold must not be let go of under the lock.
    func close(into ready: inout WorkQueue, jobRunner: UnownedTaskExecutor) {
        arrived.withLock { arrivals in
            ready.append(contentsOf: arrivals.work)
            arrivals.work = []
            arrivals.afterlife = jobRunner
            // The loop's thread is still at it.
            arrivals.isDraining = true
            count.store(0, ordering: .sequentiallyConsistent)
        }
    }

    /// From here on jobs run on the thread that enqueues them, one at a time.
    func beginAfterlife() {
        arrived.withLock { $0.isDraining = false }
        _ = runAfterlife()
    }

    /// Runs the jobs of a closed loop. Whoever comes first runs them all, also those that the jobs themselves
    /// enqueue, so that there is still only one thread at a time and no recursion.
    private func runAfterlife() -> Bool {
        while true {
            let next: (UnownedJob, UnownedTaskExecutor)? = arrived.withLock { arrivals in
                guard let executor = arrivals.afterlife, !arrivals.isDraining else { return nil }
                guard !arrivals.work.isEmpty, case .job(let job) = arrivals.work.removeFirst() else { return nil }
                arrivals.isDraining = true
                return (job, executor)
            }
            guard let (job, executor) = next else { return false }
            job.runSynchronously(on: executor)
            arrived.withLock { $0.isDraining = false }
        }
    }
}

/// An eventfd that wakes a sleeping loop from any thread.
///
/// It is registered edge-triggered: each write is an edge of its own (eventfd(2), epoll(7)), so the counter never has
/// to be read back, which saves a system call per wake-up.
struct Waker: Sendable {
    let descriptor: Int32

    init() throws(IOError) { descriptor = try IOError.check(cloop_waker_open(), "eventfd") }

    func signal() { _ = cloop_waker_signal(descriptor) }
    func close() { Descriptor.close(descriptor) }
}
