// A thread of the system's: what runs a loop or a blocking call must not be one of the few that Swift's pool has.

internal import CLoop
internal import Glibc

enum SystemThread {
    /// Starts a thread that somebody joins or detaches. The kernel keeps 15 bytes of its name.
    ///
    /// - Throws: `IOError` EAGAIN when the process or the system has as many threads as it may.
    static func start(named name: String, _ body: @escaping @Sendable () -> Void) throws(IOError) -> pthread_t {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                // SAFETY: the reference retained above, taken exactly once: here, or below when there is no thread.
                Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, start.toOpaque())
        guard failure == 0 else {
            start.release()
            throw IOError(call: "pthread_create", code: failure)
        }
        return thread
    }

    private final class Start: Sendable {
        private let name: String
        private let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            _ = cloop_thread_name(name)
            body()
        }
    }
}
