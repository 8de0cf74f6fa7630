// Tasks drawn as a tree, for people. A pure function of snapshots.

/// Snapshots in the order of a tree: each under the task that spawned it.
struct TaskTree: CustomStringConvertible {
    /// Each snapshot with its depth, parents first.
    private(set) var entries: [(depth: Int, task: TaskSnapshot)] = []

    init(_ tasks: [TaskSnapshot]) {
        let present = Set(tasks.compactMap(\.id))
        // A parent that has ended leaves its children at the root.
        func isRoot(_ task: TaskSnapshot) -> Bool {
            guard let parent = task.parentID else { return true }
            return !present.contains(parent)
        }
        let children = Dictionary(grouping: tasks.filter { !isRoot($0) }) { $0.parentID }
        // A stack of our own: chains of tasks may be longer than the thread's stack is deep.
        var waiting = tasks.filter(isRoot).reversed().map { (depth: 0, task: $0) }
        while let entry = waiting.popLast() {
            entries.append(entry)
            guard let id = entry.task.id, let below = children[id] else { continue }
            for child in below.reversed() { waiting.append((entry.depth + 1, child)) }
        }
    }

    /// A line that counts, and one line a task.
    var description: String {
        var kinds: [TaskSnapshot.Kind: Int] = [:]
        for entry in entries { kinds[entry.task.kind, default: 0] += 1 }
        var text = "\(kinds[.task] ?? 0) tasks, \(kinds[.guest] ?? 0) guests, \(kinds[.coroutine] ?? 0) coroutines\n"
        for (depth, task) in entries {
            text += String(repeating: "  ", count: depth) + task.description
            if depth == 0, let parent = task.parentID { text += " (by task \(parent), which is not here)" }
            text += "\n"
        }
        return text
    }
}

extension TaskSnapshot: CustomStringConvertible {
    /// "task 7 fetch: reading for 1.5 s, spawned at App/Main.swift:12, 3 resumes".
    public var description: String {
        var text = kind.rawValue
        if let id { text += " \(id)" }
        if let name { text += " \(name)" }
        switch state {
        case .created: text += ": not begun"
        case .active: text += ": active"
        case .suspended(let reason, let place, let duration):
            text += ": \(reason)"
            if let duration { text += " for \(duration.brief)" }
            if let place { text += ", at \(place)" }
        }
        if let origin { text += ", spawned at \(origin)" }
        if resumes > 0 { text += ", \(resumes) \(resumes == 1 ? "resume" : "resumes")" }
        if let busy { text += ", busy \(busy.brief)" }
        return text
    }
}
