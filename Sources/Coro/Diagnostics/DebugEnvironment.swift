// Where CORO_DEBUG is read and obeyed; what may stand in it is in `DebugOptions.swift`.

internal import Glibc

extension DebugOptions {
    /// The process's own, read once.
    static let environment: DebugOptions = {
        guard let value = getenv("CORO_DEBUG") else { return DebugOptions() }
        let options = DebugOptions(parsing: String(cString: value))
        for option in options.unreadable { Report.failure("Cannot read CORO_DEBUG", UnreadableOption(option: option)) }
        return options
    }()
}

extension EventLoop {
    /// Turns on what the options ask of every loop.
    func obey(_ options: DebugOptions) {
        if let slow = options.slow { reportSlow(over: slow) }
        if let block = options.block { watch(blockedFor: block) }
    }

    private static let hasDumper = Locked(false)

    /// True the first time.
    private static func claimDump() -> Bool {
        hasDumper.withLock { hasDumper in
            defer { hasDumper = true }
            return !hasDumper
        }
    }

    /// The first loop of the process to run dumps its tasks, if the options ask for that. Loop's thread.
    func obeyAsFirst(_ options: DebugOptions) {
        guard options.dumpsTasks, EventLoop.claimDump() else { return }
        do {
            try dumpTasks(on: [SIGQUIT, SIGUSR1])
        } catch {
            Report.failure("Cannot dump tasks on a signal", error)
        }
    }
}
