// A thread for one piece of work. Swift's own pool has as many threads as cores, and a loop that runs on one of them
// keeps it from everybody else, so loops under test get threads of their own.

internal import Coro
internal import Glibc

/// Runs `body` on a new thread and suspends the caller until it has returned.
///
/// - Throws: what `body` throws.
public func onOwnThread<Result: Sendable>(
    _ body: sending @escaping () throws -> Result
) async throws -> Result {
    try await onOwnThread(answering: { _ in try body() })
}

/// Runs `body` on a new thread and suspends the caller until it has returned, or until somebody else has given an answer:
/// for a thread that may never come back.
func onOwnThread<Result: Sendable>(
    answering body: sending @escaping (Answer<Result>) throws -> Result
) async throws -> Result {
    // SAFETY: handed to one thread, which calls it once; the caller let go of it.
    nonisolated(unsafe) let body = body
    return try await withCheckedThrowingContinuation { continuation in
        let answer = Answer(continuation)
        startThread {
            answer.give(Swift.Result { try body(answer) })
        }
    }
}

/// What somebody waits for; the first one given counts.
final class Answer<Value: Sendable>: Sendable {
    private let continuation: Locked<CheckedContinuation<Value, any Error>?>

    init(_ continuation: CheckedContinuation<Value, any Error>) { self.continuation = Locked(continuation) }

    var isGiven: Bool { continuation.withLock { $0 == nil } }

    func give(_ result: sending Result<Value, any Error>) {
        continuation.withLock { $0.take() }?.resume(with: result)
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

/// A thread of this process, to ask what it is at.
struct ThreadProbe: Sendable {
    /// "<process>/task/<thread>", as /proc knows the caller (proc(5)).
    private let path: String

    init() {
        path = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { room in
            guard let base = room.baseAddress else { return "" }
            let length = readlink("/proc/thread-self", base, room.count)
            return String(decoding: room.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// What the thread that made the probe is doing now: computing, or blocked.
    var activity: String {
        guard let file = fopen("/proc/\(path)/stat", "r") else { return "gone" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        guard fgets(&line, Int32(line.count), file) != nil else { return "gone" }
        // proc(5): number, name in brackets, state. The name may hold brackets too, so the last one counts.
        let bytes = line.map { UInt8(bitPattern: $0) }
        guard let bracket = bytes.lastIndex(of: UInt8(ascii: ")")), bracket + 2 < bytes.count else { return "gone" }
        return bytes[bracket + 2] == UInt8(ascii: "R") ? "computing without a break" : "blocked in a call that waits"
    }
}
