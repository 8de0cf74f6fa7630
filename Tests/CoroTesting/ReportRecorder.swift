// What went to `Report`, by test. The sink is one for the process and tests run side by side, so a recorder says which
// failures are its own; what nobody claims goes to the fixture of the loop it happened on, and then on to the sink that
// was there before.

public import Coro

/// Records reported failures that a test is waiting for, and keeps them off standard error.
///
/// ```swift
/// let recorder = ReportRecorder { $0.error as? Oops == Oops(7) }
/// ```
///
/// Records from its making until `stop()` or its end. Any thread.
public final class ReportRecorder: Sendable {
    private let tape: Tape

    /// - Parameter isMine: says whether a failure belongs to this recorder. Give each test an error of its own.
    public init(_ isMine: @escaping @Sendable (UncaughtFailure) -> Bool) {
        tape = Tape(isMine)
        ReportRecorder.switchboard.add(tape)
    }

    /// Records what happens on the loop of this identity and no other recorder claims.
    init(unclaimedOf loop: ObjectIdentifier) {
        tape = Tape(isLast: true) { $0.loop == loop }
        ReportRecorder.switchboard.add(tape)
    }

    deinit { stop() }

    /// What was reported so far, in order.
    public var failures: [UncaughtFailure] { tape.failures.withLock { $0 } }

    /// Records no more.
    public func stop() { ReportRecorder.switchboard.remove(tape) }

    private static let switchboard = Switchboard()
}

private final class Tape: Sendable {
    /// Asked after all others.
    let isLast: Bool
    let isMine: @Sendable (UncaughtFailure) -> Bool
    let failures = Locked<[UncaughtFailure]>([])

    init(isLast: Bool = false, _ isMine: @escaping @Sendable (UncaughtFailure) -> Bool) {
        self.isLast = isLast
        self.isMine = isMine
    }
}

/// The sink that all recorders of the process share.
private final class Switchboard: Sendable {
    private let tapes = Locked<[Tape]>([])
    private let before = Locked<(@Sendable (UncaughtFailure) -> Void)?>(nil)

    func add(_ tape: Tape) {
        tapes.withLock { tapes in
            tapes.insert(tape, at: tape.isLast ? tapes.endIndex : tapes.firstIndex(where: \.isLast) ?? tapes.endIndex)
        }
        before.withLock { before in
            if before == nil { before = Report.replaceSink { self.receive($0) } }
        }
    }

    func remove(_ tape: Tape) {
        tapes.withLock { $0.removeAll { $0 === tape } }
    }

    private func receive(_ failure: UncaughtFailure) {
        guard let tape = tapes.withLock({ $0 }).first(where: { $0.isMine(failure) }) else {
            before.withLock { $0 }?(failure)
            return
        }
        tape.failures.withLock { $0.append(failure) }
    }
}
