// What this process says in its own name, and what it asks of the system for itself.

internal import Console
internal import Glibc

enum ServerProcess {
    /// Writes one line to standard error, with the tool's name before it.
    static func say(_ text: String) { Console.note("coro-serve: \(text)\n") }

    /// Allows as many open connections as the system lets this process have.
    static func raiseDescriptorLimit() {
        let descriptors = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        var limit = rlimit()
        guard getrlimit(descriptors, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(descriptors, &limit)
    }

    /// A log whose reader has gone must not end the server.
    static func outliveBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
