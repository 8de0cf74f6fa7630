// What the process says, and what it asks of the system for itself.

internal import Glibc

enum Console {
    /// Writes to standard output.
    static func print(_ text: String) { write(text, to: 1) }

    /// Writes one line to standard error, with the tool's name before it.
    static func complain(_ text: String) { write("coro-serve: \(text)\n", to: 2) }

    /// Writes one line to standard error, as it is.
    static func log(_ line: String) { write(line + "\n", to: 2) }

    /// One write(2) a text, so that the lines of several threads do not mix (a pipe takes up to PIPE_BUF at once).
    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                // Nobody listens any more: that is no reason to stop serving.
                guard count > 0 || errno == EINTR else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[max(0, count)...])
            }
        }
    }

    /// Allows as many open connections as the system lets this process have.
    static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
    }

    /// A log whose reader has gone must not end the server.
    static func outliveBrokenPipes() { signal(SIGPIPE, SIG_IGN) }
}
