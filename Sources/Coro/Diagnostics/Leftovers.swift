// What a loop still holds that somebody should have ended: for fixtures that fail on leaks, and for saying where a
// test hangs.

/// What is not over yet on a loop, in sentences.
package struct Leftovers: Sendable, Equatable {
    /// Tasks and coroutines that have not ended, the oldest first: who, where made, what they wait for.
    package var tasks: [String] = []
    /// Descriptors still registered.
    package var descriptors: [String] = []

    package var isEmpty: Bool { tasks.isEmpty && descriptors.isEmpty }
}

extension EventLoop {
    /// What is not over yet. The loop's thread, or any while nobody runs the loop.
    package func leftovers() -> Leftovers {
        var found = Leftovers()
        var known: Set<ObjectIdentifier> = []
        tasksAlive.forEach { task in
            if let waiter = task.waiter { known.insert(ObjectIdentifier(waiter)) }
            found.tasks.append(describe(task))
        }
        // Child tasks, tasks from elsewhere, and coroutines, which have no record.
        suspended.forEach { sleeper in
            guard !known.contains(ObjectIdentifier(sleeper)) else { return }
            let kind = sleeper is Waiter ? "a child task, or one not spawned by Coro," : "a coroutine,"
            found.tasks.append("\(kind) \(wait(of: sleeper))")
        }
        found.tasks.reverse()
        found.descriptors = poller.registrations.map { "descriptor \($0.descriptor), \($0.kind)" }
        return found
    }

    private func describe(_ task: TaskRecord) -> String {
        let name = task.name.map { " \"\($0)\"" } ?? ""
        let state =
            if let waiter = task.waiter {
                wait(of: waiter)
            } else if task.hasBegun {
                "waiting for something that is not of this loop"
            } else {
                "not begun"
            }
        return "the task\(name)\(made(task.origin)), \(state)"
    }

    private func made(_ place: SourcePlace?) -> String { place.map { " made at \($0)" } ?? "" }

    /// What a sleeper waits for, where that was made, and how long it has.
    private func wait(of sleeper: Suspended) -> String {
        let slept = (now.nanoseconds - sleeper.since) / 1_000_000
        return "\(sleeper.reason)\(made(sleeper.place))\(slept < 1 ? "" : ", for \(slept) ms")"
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
