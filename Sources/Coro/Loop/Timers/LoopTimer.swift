// One timer: what somebody holds to call it off. Their order is `TimerQueue`'s.

/// A callback that runs at an instant.
///
/// Dropping the timer does not cancel it.
public class LoopTimer: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): `state`, `slot` and `action` are touched by the loop's thread only; `cancel` from
    // elsewhere is sent there. One thread, and no access that calls out: so no run-time exclusivity checks either.

    /// When it fires.
    public final let deadline: LoopInstant
    private final let loop: EventLoop
    @exclusivity(unchecked) private final var action: (() throws -> Void)?
    @exclusivity(unchecked) final var state = State.new
    /// Its number in `TimerSlots`, while it is armed.
    @exclusivity(unchecked) final var slot: UInt32 = 0
    /// What it ends is a wait: thousands may reach one deadline, and then they end in turns (`Endings`).
    final let isExpiry: Bool

    /// A timer is armed once and is over once.
    enum State: UInt8 {
        case new, armed
        /// Fired, cancelled, or dropped by a loop that closed.
        case over
    }

    init(loop: EventLoop, deadline: LoopInstant, isExpiry: Bool = false, action: (() throws -> Void)? = nil) {
        self.loop = loop
        self.deadline = deadline
        self.isExpiry = isExpiry
        self.action = action
    }

    /// Keeps the timer from firing, and lets go of its callback. Does nothing when it has fired; may be called from any
    /// thread.
    ///
    /// - Complexity: O(1). The queue holds it no longer, and forgets its deadline when that comes up or is swept.
    public final func cancel() {
        if loop.isCurrent {
            loop.timers.remove(self)
            // After the queue's change: this may run anybody's `deinit`, which may arm and cancel.
            letGo()
        } else {
            loop.addCallback { self.cancel() }
        }
    }

    /// Does what it was armed for.
    func fire() throws {
        let action = self.action.take()
        try action?()
    }

    /// Releases what it would have needed to fire.
    func letGo() { action = nil }
}

/// A timer that wakes a sleeping task. It needs no closure, and a server arms one for every wait with a deadline.
final class WakeTimer: LoopTimer, @unchecked Sendable {
    // SAFETY (@unchecked Sendable): like the timer's own state.
    private var waiter: Waiter?
    private let reason: Wake

    init(loop: EventLoop, deadline: LoopInstant, waking waiter: Waiter, _ reason: Wake) {
        self.waiter = waiter
        self.reason = reason
        super.init(loop: loop, deadline: deadline, isExpiry: reason == .timedOut)
    }

    override func fire() { waiter.take()?.wake(reason) }

    override func letGo() { waiter = nil }
}

extension EventLoop {
    /// Runs `callback` once, when the loop's clock has reached `deadline`.
    ///
    /// - Runs on: the loop's thread, after the callbacks of the iteration that finds it due. May be called from any
    ///   thread.
    /// - After close: the timer never fires.
    /// - Complexity: O(log n) in the number of timers at worst; O(1) for a deadline later than most.
    @discardableResult
    public func callAt(
        _ deadline: LoopInstant, file: StaticString = #fileID, line: UInt = #line,
        _ callback: @escaping @Sendable () throws -> Void
    ) -> LoopTimer {
        let timer = LoopTimer(loop: self, deadline: deadline, action: placed(callback, file, line))
        arm(timer)
        return timer
    }

    /// Runs `callback` once, `delay` from now; a delay of zero or less means the next iteration that can.
    @discardableResult
    public func callLater(
        _ delay: Duration, file: StaticString = #fileID, line: UInt = #line,
        _ callback: @escaping @Sendable () throws -> Void
    ) -> LoopTimer {
        callAt(now.advanced(by: delay), file: file, line: line, callback)
    }

    /// Runs `callback` when the deadline of a wait has passed; of many that pass in one moment, in turn. Loop's thread.
    func expireAt(_ deadline: LoopInstant, _ callback: @escaping () -> Void) -> LoopTimer {
        let timer = LoopTimer(loop: self, deadline: deadline, isExpiry: true, action: callback)
        timers.insert(timer)
        return timer
    }

    /// Puts a timer in the queue, from any thread.
    func arm(_ timer: LoopTimer) {
        if isCurrent {
            timers.insert(timer)
        } else {
            addCallback { self.timers.insert(timer) }
        }
    }
}
