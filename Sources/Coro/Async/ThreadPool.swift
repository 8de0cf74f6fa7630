// Threads for calls that block. They are started when there is work and end when there has been none for a while.
//
// The pool that people hold and the crew that does the work are two objects: threads hold the crew, so dropping the pool
// can tell them that nothing more will come.

internal import Glibc

/// A few threads that run blocking work, in the order it came: `loop.runBlocking { … }`.
///
/// Dropping the pool shuts it down: what it has accepted is still done, then its threads end.
///
/// - Threads: every method may be called from any thread.
public final class ThreadPool: Sendable {
    /// The pool of the process, which everybody uses who names no other.
    public static let shared = ThreadPool()

    let crew: ThreadCrew

    /// Makes a pool; it has no thread before there is work.
    ///
    /// - Parameters:
    ///   - threadsMax: how many threads it may have, at least 1. By default four more than the machine has cores, and
    ///     32 at most: blocked threads need no core, but each needs memory.
    ///   - idleTimeout: how long a thread without work waits for some before it ends.
    ///   - name: what the system calls the threads, in 15 bytes.
    public convenience init(
        threadsMax: Int = defaultThreadsMax, idleTimeout: Duration = .seconds(10), name: String = "coro-blocking"
    ) {
        self.init(threadsMax: threadsMax, idleTimeout: idleTimeout) { body in
            guard let thread = try? SystemThread.start(named: name, body) else { return false }
            pthread_detach(thread)
            return true
        }
    }

    /// With a way to start threads of one's own, which says whether there is one.
    init(
        threadsMax: Int = defaultThreadsMax, idleTimeout: Duration = .seconds(10),
        startThread: @escaping ThreadCrew.ThreadStart
    ) {
        precondition(threadsMax > 0, "A thread pool must be allowed at least one thread; \(threadsMax) is none.")
        crew = ThreadCrew(threadsMax: threadsMax, idleTimeout: idleTimeout, startThread: startThread)
    }

    deinit { crew.shutdown(cancelQueued: false) }

    /// How many threads a pool has at most that is told nothing else.
    public static let defaultThreadsMax = min(32, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) + 4)

    /// How many threads it may have. When there are more already, idle ones end at once, the others as they finish their work.
    public var threadsMax: Int {
        get { crew.threadsMax }
        set {
            precondition(newValue > 0, "A thread pool must be allowed at least one thread; \(newValue) is none.")
            crew.threadsMax = newValue
        }
    }

    /// What a pool is at, at one instant.
    public struct Statistics: Sendable, Equatable {
        /// Threads there are, idle ones too.
        public let threads: Int
        /// Threads that are at work.
        public let running: Int
        /// Work that no thread has begun.
        public let queued: Int
    }

    /// How much there is to do, and who does it.
    public var statistics: Statistics { crew.statistics }

    /// Takes no more work: from now on it fails with `ThreadPoolError.shutDown`. Returns at once. What is running goes
    /// on to its end, and so does what is queued, unless `cancelQueued`: then it is cancelled. A second call may still
    /// cancel.
    public func shutdown(cancelQueued: Bool = false) { crew.shutdown(cancelQueued: cancelQueued) }
}

/// What a thread pool refuses.
public enum ThreadPoolError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The pool was shut down.
    case shutDown

    public var description: String { "The thread pool was shut down and takes no more work." }
}

/// The queue of a pool and the threads that work it off.
final class ThreadCrew: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): all state is touched under `mutex` only; the pthread objects have a fixed address.

    /// Starts a detached thread; false when there is none to be had.
    typealias ThreadStart = @Sendable (@escaping @Sendable () -> Void) -> Bool

    private let startThread: ThreadStart
    private let idleTimeout: Duration
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let workArrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue = BlockingQueue()
    private var limit: Int
    private var threads = 0
    private var running = 0
    private var isShutDown = false

    init(threadsMax: Int, idleTimeout: Duration, startThread: @escaping ThreadStart) {
        limit = threadsMax
        self.idleTimeout = idleTimeout
        self.startThread = startThread
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(workArrived, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        // Threads hold the crew while they live, so there are none.
        pthread_cond_destroy(workArrived)
        pthread_mutex_destroy(mutex)
        workArrived.deallocate()
        mutex.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    var threadsMax: Int {
        get { locked { limit } }
        set {
            locked {
                limit = newValue
                // One that is too many would take the signal for the next piece of work with it as it ends.
                pthread_cond_broadcast(workArrived)
                startThreads()
            }
        }
    }

    var statistics: ThreadPool.Statistics {
        locked { ThreadPool.Statistics(threads: threads, running: running, queued: queue.count) }
    }

    // MARK: Work

    /// Queues work; false when the crew takes no more.
    func add(_ work: BlockingWork) -> Bool {
        locked {
            guard !isShutDown else { return false }
            queue.append(work)
            // Signalled in either case: whoever was signalled before may not have woken yet.
            pthread_cond_signal(workArrived)
            startThreads()
            return true
        }
    }

    /// Takes work back; false when a thread has begun it.
    func remove(_ work: BlockingWork) -> Bool { locked { queue.remove(work) } }

    /// Starts threads that could not be had before. True when there is still work and nobody at all to do it.
    func isStarved() -> Bool {
        locked {
            startThreads()
            return threads == 0 && queue.count > 0
        }
    }

    func shutdown(cancelQueued: Bool) {
        let cancelled = locked {
            isShutDown = true
            pthread_cond_broadcast(workArrived)
            return cancelQueued ? queue.takeAll() : []
        }
        for work in cancelled { work.end(with: CancellationError()) }
    }

    // MARK: Threads. All under the mutex.

    /// As many as there is work that no idle thread will take. Those that cannot be had are not missed as long as there is
    /// one: it takes the work in time.
    private func startThreads() {
        while queue.count > threads - running, threads < limit {
            guard startThread({ self.serve() }) else { return }
            threads += 1
        }
    }

    private func serve() {
        pthread_mutex_lock(mutex)
        while let work = nextWork() {
            running += 1
            pthread_mutex_unlock(mutex)
            work.run()
            pthread_mutex_lock(mutex)
            running -= 1
        }
        threads -= 1
        pthread_mutex_unlock(mutex)
    }

    /// The next work; nil when the thread should end.
    private func nextWork() -> BlockingWork? {
        while threads <= limit {
            if let work = queue.popFirst() { return work }
            guard !isShutDown, waitForWork() else { return nil }
        }
        return nil
    }

    /// Waits for a signal; false when nothing came in time.
    private func waitForWork() -> Bool {
        let end = LoopInstant(nanoseconds: MonotonicClock().now).advanced(by: idleTimeout).nanoseconds
        var until = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        return pthread_cond_timedwait(workArrived, mutex, &until) == 0 || queue.count > 0
    }
}
