// A thread for one piece of work. Swift's own pool has as many threads as cores, and a loop that runs on one of them
// keeps it from everybody else, so loops under test get threads of their own.

internal import Glibc

/// Runs `body` on a new thread and suspends the caller until it has returned.
///
/// - Throws: what `body` throws.
public func onOwnThread<Result: Sendable>(
    _ body: sending @escaping () throws -> Result
) async throws -> Result {
    // SAFETY: handed to one thread, which calls it once; the caller let go of it.
    nonisolated(unsafe) let body = body
    return try await withCheckedThrowingContinuation { continuation in
        startThread {
            continuation.resume(with: Swift.Result { try body() })
        }
    }
}

/// Starts a thread that nobody joins.
package func startThread(_ body: @escaping @Sendable () -> Void) {
    let entry = Unmanaged.passRetained(ThreadBody(body))
    var thread = pthread_t()
    let failure = pthread_create(
        &thread, nil,
        { entry in
            // SAFETY: the reference that `startThread` retained, taken exactly once.
            if let entry { Unmanaged<ThreadBody>.fromOpaque(entry).takeRetainedValue().run() }
            return nil
        }, entry.toOpaque())
    precondition(failure == 0, "No thread could be started: errno \(failure).")
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
