// What the fixture finds wrong, said so that the line to mend is in the message.

/// What `withLoop` itself finds wrong.
public enum LoopTestError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The body had not ended in time: what there was, who, where made, what it waits for.
    case hung(seconds: Int, tasks: [String])
    /// The body had not ended in time, and its loop did not turn any more: something on its thread does not return.
    case blocked(seconds: Int, activity: String)
    /// The body ended and left tasks asleep, or descriptors registered.
    case leftBehind(tasks: [String], descriptors: [String])
    /// Failures were reported that nobody caught and no `ReportRecorder` waited for.
    case reported([String])
    /// The loop was closed and something still holds it.
    case leaked

    public var description: String {
        switch self {
        case .hung(let seconds, let tasks):
            "The test was still waiting after \(seconds) s and was given up.\(list(tasks))"
        case .blocked(let seconds, let activity):
            """
            The test was still running after \(seconds) s and does not return: the loop's thread is \(activity). \
            Something calls what blocks, or computes without end, instead of awaiting.
            """
        case .leftBehind(let tasks, let descriptors):
            """
            The test ended and left something behind. Await or cancel tasks and close streams, or say \
            `allowing: .tasks` or `.descriptors`.\(list(tasks + descriptors))
            """
        case .reported(let lines):
            """
            Failures were reported that no ReportRecorder waited for. Catch them, record them, or say \
            `allowing: .reports`.\(list(lines))
            """
        case .leaked: "The loop is closed and dropped, and still something holds it: a reference cycle, or a global."
        }
    }

    private func list(_ lines: [String]) -> String { lines.map { "\n  - \($0)" }.joined() }
}
