// What a loop tells those who look on: profilers, tracers, tests. All of it is opt-in; see `Probe` for what it costs when
// nobody does.

/// Somebody who is told what a loop does.
///
/// All methods have empty defaults. They run on the loop's thread, inside what they tell of, so a slow observer is a slow
/// loop; `loopBlocked` alone runs on the watchdog's thread.
public protocol LoopObserver: AnyObject, Sendable {
    /// An iteration begins; the loop is about to look at its descriptors, or to wait for them.
    func iterationBegan(on loop: EventLoop)
    /// An iteration has ended.
    func iterationEnded(on loop: EventLoop)

    /// A piece of work begins. Its kind is known; a callback, a timer or a job says who it is only by running.
    func workBegan(_ work: LoopWork, on loop: EventLoop)
    /// A piece of work has ended, after `took` of the loop's clock.
    func workEnded(_ work: LoopWork, took: Duration, on loop: EventLoop)

    /// The loop has not come back to its descriptors for longer than `watch(blockedFor:)` allows.
    ///
    /// - Runs on: the watchdog's thread, while the loop is blocked.
    func loopBlocked(_ block: LoopBlocked, on loop: EventLoop)

    /// A spawned task runs for the first time.
    func taskBegan(_ task: TaskSnapshot, on loop: EventLoop)
    /// A spawned task has come to its end.
    func taskEnded(_ task: TaskSnapshot, on loop: EventLoop)
}

extension LoopObserver {
    public func iterationBegan(on loop: EventLoop) {}
    public func iterationEnded(on loop: EventLoop) {}
    public func workBegan(_ work: LoopWork, on loop: EventLoop) {}
    public func workEnded(_ work: LoopWork, took: Duration, on loop: EventLoop) {}
    public func loopBlocked(_ block: LoopBlocked, on loop: EventLoop) {}
    public func taskBegan(_ task: TaskSnapshot, on loop: EventLoop) {}
    public func taskEnded(_ task: TaskSnapshot, on loop: EventLoop) {}
}

/// A piece of work that a loop runs in one go.
public struct LoopWork: Sendable, Hashable, CustomStringConvertible {
    /// What sort of work it is.
    public enum Kind: String, Sendable {
        /// From `addCallback`, or an observer of a future.
        case callback
        /// A stretch of a task, from one suspension to the next.
        case job
        case timer
        /// A descriptor's readiness, handed to who waits for it.
        case readiness
    }

    /// What sort of work it is.
    public let kind: Kind
    /// Where the callback was added, the timer armed, the handler added or the task spawned, when that is known.
    public internal(set) var place: SourcePlace?
    /// The descriptor that is ready.
    public let descriptor: Int32?
    /// The task whose job it is: its number in `loop.tasks`, and its name.
    public internal(set) var taskID: UInt64?
    /// The name of the task whose job it is.
    public internal(set) var taskName: String?

    init(kind: Kind, place: SourcePlace? = nil, descriptor: Int32? = nil) {
        self.kind = kind
        self.place = place
        self.descriptor = descriptor
    }

    /// "callback", "job of task 7 (fetch)", "readiness of descriptor 5".
    public var description: String {
        var text = kind.rawValue
        if let taskID { text += " of task \(taskID)" }
        if let taskName { text += " (\(taskName))" }
        if let descriptor { text += " of descriptor \(descriptor)" }
        return text
    }
}

extension EventLoop {
    /// Tells `observer` what the loop does, from its next iteration on. Adding it twice does nothing.
    ///
    /// The loop holds the observer until it is removed. May be called from any thread. While there is one, each piece of
    /// work costs two more readings of the clock.
    public func addObserver(_ observer: any LoopObserver) {
        observation.change(on: self) { settings in
            if !settings.observers.contains(where: { $0 === observer }) { settings.observers.append(observer) }
        }
    }

    /// Tells `observer` no more, from the next iteration on. May be called from any thread.
    public func removeObserver(_ observer: any LoopObserver) {
        observation.change(on: self) { settings in settings.observers.removeAll { $0 === observer } }
    }
}
