// How native `async` code gets onto the loop: the runtime hands us jobs, they join the callbacks in one queue.
//
// Every task of ours is spawned with `executorPreference: loop`. A task that is merely isolated to an actor pinned by
// `unownedExecutor` resumes each continuation on the global pool first and hops back from there, two thread switches
// a resume; with the preference it resumes straight into `enqueue` below, on the loop's own thread.

extension EventLoop: TaskExecutor, SerialExecutor {
    /// Takes a job from the Swift runtime. Any thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        add(job: UnownedJob(job))
    }

    /// The loop as the executor of tasks: `Task(executorPreference: loop) { … }`.
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    /// The loop as the executor of an actor: `nonisolated var unownedExecutor { loop.asUnownedSerialExecutor() }`.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Whether the caller runs on this loop; `assumeIsolated` of an actor pinned to the loop asks this.
    public func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Stops the program when the caller does not run on this loop (`assumeIsolated` called from elsewhere).
    public func checkIsolated() {
        precondition(isCurrent, "This code is isolated to an event loop and was called from another thread.")
    }
}
