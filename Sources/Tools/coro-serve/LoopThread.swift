// A thread that runs one loop.

internal import Coro
internal import Glibc

/// An event loop on a thread of its own.
final class LoopThread {
    let loop: EventLoop
    private let thread: pthread_t

    init() throws {
        let loop = try EventLoop()
        self.loop = loop
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                // SAFETY: retained for this thread below, and taken exactly once.
                let loop = Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue()
                do {
                    try loop.run()
                    try loop.close()
                } catch {
                    ServerProcess.say("A loop ended: \(error)")
                }
                return nil
            }, Unmanaged.passRetained(loop).toOpaque())
        guard failure == 0 else {
            Unmanaged.passUnretained(loop).release()
            throw IOError(call: "pthread_create", code: failure)
        }
        self.thread = thread
    }

    /// Ends the loop and waits for its thread.
    func stop() {
        loop.stop()
        pthread_join(thread, nil)
    }
}
