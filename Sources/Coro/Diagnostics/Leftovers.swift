// What a loop still holds that somebody should have ended: for fixtures that fail on leaks, and for saying where a
// test hangs.

/// What is not over yet on a loop, in sentences.
package struct Leftovers: Sendable, Equatable {
    /// Tasks and coroutines that have not ended, the oldest first, as `TaskSnapshot` describes them.
    package var tasks: [String] = []
    /// Descriptors still registered.
    package var descriptors: [String] = []

    package var isEmpty: Bool { tasks.isEmpty && descriptors.isEmpty }
}

extension EventLoop {
    /// What is not over yet. The loop's thread, or any while nobody runs the loop.
    package func leftovers() -> Leftovers {
        Leftovers(
            tasks: tasksNow.map(\.description),
            descriptors: poller.registrations.map { "descriptor \($0.descriptor), \($0.kind)" })
    }

    /// Runs what is ready and what follows from it at once; returns when neither descriptors nor callbacks bring more.
    ///
    /// For the time after a test's body, in which cancelled tasks end. Never waits. Call it while nobody runs the loop.
    package func settle() throws(LoopError) {
        var quiet = 0
        // A loop that is never quiet is not to keep its test for ever.
        var rounds = 10_000
        _ = try run {
            quiet = ready.isEmpty ? quiet + 1 : 0
            rounds -= 1
            // A few rounds: a busy loop does not look at its descriptors in each.
            if quiet > 10 || rounds == 0 { return true }
            // With something to run, the next iteration does not wait.
            if ready.isEmpty { _ = add(.callback {}) }
            return false
        }
    }
}

extension Registration {
    fileprivate var kind: String {
        switch self {
        case is StreamChannel: "a byte stream"
        case is ReadableDescriptor: "a listener or signal watcher"
        default: "a handler"
        }
    }
}
