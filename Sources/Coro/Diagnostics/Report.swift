// Where failures go that nobody is left to catch: one replaceable sink, standard error by default.

internal import Glibc

/// A failure that has no caller to go to.
public struct UncaughtFailure: Sendable, CustomStringConvertible {
    /// What failed: "Exception in callback", "Future failure was never observed", "Slow callback", "Event loop is blocked".
    public let summary: String
    /// The failure itself.
    public let error: any Error
    /// Where the future or task was made, the callback added or the timer armed, when that is known.
    public let origin: SourcePlace?
    /// `ObjectIdentifier(loop)` of the event loop it happened on, when it happened on one.
    public let loop: ObjectIdentifier?

    init(summary: String, error: any Error, origin: SourcePlace?, on loop: EventLoop? = EventLoop.current) {
        self.summary = summary
        self.error = error
        self.origin = origin
        self.loop = loop.map(ObjectIdentifier.init)
    }

    public var description: String {
        let place = origin.map { " (made at \($0))" } ?? ""
        return "coro: \(summary): \(error)\(place)"
    }
}

/// A place in source code.
public struct SourcePlace: Sendable, Hashable, CustomStringConvertible {
    /// The file, as `#fileID` names it.
    public let file: StaticString
    /// The line, from 1.
    public let line: UInt

    /// The place of the call.
    @inlinable
    public init(file: StaticString = #fileID, line: UInt = #line) {
        self.file = file
        self.line = line
    }

    public var description: String { "\(file):\(line)" }

    public static func == (left: SourcePlace, right: SourcePlace) -> Bool { left.description == right.description }
    public func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

/// The sink of uncaught failures.
public enum Report {
    private static let sink = Locked(Sink(receive: writeToStandardError))

    /// A closure in a struct: a bare one, passed through generic code, is wrapped once more each time it is read, and a
    /// sink that is read a hundred thousand times would be that deep.
    private struct Sink: Sendable {
        let receive: @Sendable (UncaughtFailure) -> Void
    }

    /// Replaces the sink for the whole process and returns the one before. Any thread; the sink may be called from
    /// any thread.
    @discardableResult
    public static func replaceSink(
        _ new: @escaping @Sendable (UncaughtFailure) -> Void
    ) -> @Sendable (UncaughtFailure) -> Void {
        sink.withLock { current in
            let old = current.receive
            current = Sink(receive: new)
            return old
        }
    }

    /// - Parameter origin: where the callback was added; known of handlers, and of callbacks and timers in an observed loop.
    static func callbackFailed(_ error: any Error, origin: SourcePlace?) {
        // Cancellation is how work ends on request; nobody wants to read about it.
        guard !(error is CancellationError) else { return }
        send(UncaughtFailure(summary: "Exception in callback", error: error, origin: origin))
    }

    static func unobserved(_ error: any Error, origin: SourcePlace, on loop: EventLoop) {
        // Nor that whatever slept on a loop ended with it.
        guard !(error is CancellationError), error as? LoopError != .closed else { return }
        send(UncaughtFailure(summary: "Future failure was never observed", error: error, origin: origin, on: loop))
    }

    static func slow(_ slow: SlowWork) {
        send(UncaughtFailure(summary: "Slow \(slow.work)", error: slow, origin: slow.work.place))
    }

    static func blocked(_ block: LoopBlocked) {
        let summary = block.isOver ? "Event loop goes on" : "Event loop is blocked"
        send(UncaughtFailure(summary: summary, error: block, origin: block.work?.place))
    }

    /// Reports a failure that its own layer has no caller for (a handler, an accept loop).
    public static func failure(_ summary: String, _ error: any Error) {
        send(UncaughtFailure(summary: summary, error: error, origin: nil))
    }

    private static func send(_ failure: UncaughtFailure) {
        let sink = sink.withLock { $0 }
        sink.receive(failure)
    }

    @Sendable private static func writeToStandardError(_ failure: UncaughtFailure) {
        StandardError.write("\(failure)\n")
    }
}

/// Descriptor 2.
enum StandardError {
    static func write(_ text: String) {
        text.utf8CString.withUnsafeBytes { bytes in
            // One write keeps the lines of several threads apart (write(2) to a pipe is atomic up to PIPE_BUF).
            _ = Glibc.write(2, bytes.baseAddress, bytes.count - 1)
        }
    }
}
