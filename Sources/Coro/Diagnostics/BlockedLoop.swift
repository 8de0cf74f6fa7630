// One thread for all watched loops of the process, that says so while a loop is blocked: the loop itself could only tell
// afterwards. It looks at an instant that each loop writes when it comes out of epoll and takes back when its iteration
// ends, and knows nothing else of it.

internal import Glibc

/// A loop has not come back to its descriptors for longer than `watch(blockedFor:)` allows.
public struct LoopBlocked: Error, Sendable, CustomStringConvertible {
    /// What ran when the loop was found blocked; nil when it had not begun anything.
    public let work: LoopWork?
    /// How long the iteration lasts already, or lasted in all. Real time, whatever clock the loop goes by.
    public let duration: Duration
    /// False while the loop is blocked, true in the second report, when it goes on.
    public let isOver: Bool

    public var description: String {
        let culprit = work.map { ", in a \($0)" } ?? ""
        return isOver ? "it was blocked for \(duration.brief)\(culprit)" : "for \(duration.brief) so far\(culprit)"
    }
}

extension EventLoop {
    /// Reports when an iteration of this loop lasts longer than `limit`, while it still does, and again when it is over;
    /// nil watches no more.
    ///
    /// The reports go to `Report`'s sink, with what runs and where that comes from. Counts from the next iteration on;
    /// may be called from any thread. `CORO_DEBUG=block=1s` does it for every loop of the process. One thread watches
    /// them all, and ends when there is none left.
    public func watch(blockedFor limit: Duration?) {
        let pulse = limit.map { Pulse(loop: self, limit: max(1, $0.clampedNanoseconds)) }
        observation.change(on: self) { $0.pulse = pulse }
        if let pulse { Watchdog.shared.watch(pulse) }
    }
}

/// What the watchdog sees of one loop.
final class Pulse: Sendable {
    private weak let loop: EventLoop?
    /// How long an iteration may last, in nanoseconds.
    let limit: Int64
    private let state = Locked(State())

    private struct State: Sendable {
        /// When the loop came out of epoll; nil while it waits there or does not run.
        var awakeSince: Int64?
        var work: LoopWork?
        /// Set when this iteration was reported: the culprit is what ran then, not what runs last.
        var reported: LoopBlocked?
        /// True while the watchdog reports, and what it is to say next: the loop may go on meanwhile, and the end of a
        /// story must not be heard before its beginning.
        var isReporting = false
        var sequel: LoopBlocked?

        mutating func iteration(from since: Int64?) {
            awakeSince = since
            work = nil
            reported = nil
        }
    }

    init(loop: EventLoop, limit: Int64) {
        self.loop = loop
        self.limit = limit
    }

    // MARK: The loop's side

    /// The loop has come out of epoll.
    func beat(at now: Int64) { state.withLock { $0.iteration(from: now) } }

    /// The loop begins `work`, or has learnt more of it.
    func runs(_ work: LoopWork) { state.withLock { $0.work = work } }

    /// The iteration has ended. If it was reported, this says how long it was.
    func rest(at now: Int64) {
        let ending = state.withLock { state -> LoopBlocked? in
            defer { state.iteration(from: nil) }
            guard let reported = state.reported, let since = state.awakeSince else { return nil }
            let ending = LoopBlocked(work: reported.work, duration: .nanoseconds(now - since), isOver: true)
            guard state.isReporting else { return ending }
            state.sequel = ending
            return nil
        }
        if let ending { Report.blocked(ending) }
    }

    // MARK: The watchdog's side

    /// Reports the iteration under way if it lasts too long and was not reported before.
    func look(at now: Int64) {
        let block = state.withLock { state -> LoopBlocked? in
            guard let since = state.awakeSince, state.reported == nil, now - since >= limit else { return nil }
            state.reported = LoopBlocked(work: state.work, duration: .nanoseconds(now - since), isOver: false)
            state.isReporting = true
            return state.reported
        }
        // Not under the lock: the sink may take its time, and the loop must not wait for it.
        guard let block else { return }
        Report.blocked(block)
        if let loop { loop.observation.isBlocked(block, on: loop) }
        let sequel = state.withLock { state in
            state.isReporting = false
            return state.sequel.take()
        }
        if let sequel { Report.blocked(sequel) }
    }
}

/// The thread that looks at the pulses.
final class Watchdog: Sendable {
    static let shared = Watchdog()

    private let state = Locked(State())

    private struct State: Sendable {
        var pulses: [WeakPulse] = []
        var isAwake = false
    }

    private struct WeakPulse: Sendable {
        weak let pulse: Pulse?
    }

    /// The longest sleep: a pulse added meanwhile is seen, and a thread without any ends, after at most this long.
    private static let longestSleep: Int64 = 100_000_000

    /// The watchdog's time, which is real.
    static var now: Int64 { MonotonicClock().now }

    /// Looks at `pulse` for as long as somebody holds it.
    func watch(_ pulse: Pulse) {
        register(pulse)
        state.withLock { state in
            if !state.isAwake { state.isAwake = startThread() }
        }
    }

    /// Takes `pulse` on for the next look.
    func register(_ pulse: Pulse) {
        state.withLock { $0.pulses.append(WeakPulse(pulse: pulse)) }
    }

    /// Looks at all pulses once; returns how long to sleep until the next look, nil when there are none left.
    func look(at now: Int64) -> Int64? {
        let pulses = state.withLock { state in
            let pulses = state.pulses.compactMap(\.pulse)
            state.pulses.removeAll { $0.pulse == nil }
            // In the same breath, so that whoever watches next starts a new thread.
            if state.pulses.isEmpty { state.isAwake = false }
            return pulses
        }
        for pulse in pulses { pulse.look(at: now) }
        // Four looks a limit: a block is found a quarter late at most.
        return pulses.map { min($0.limit / 4, Watchdog.longestSleep) }.min()
    }

    private func run() {
        while let nap = look(at: Watchdog.now) {
            var time = timespec(tv_sec: 0, tv_nsec: Int(max(nap, 1_000_000)))
            nanosleep(&time, nil)
        }
    }

    /// False when there is no thread to be had; the next to watch tries again.
    private func startThread() -> Bool {
        // Signals are for the threads of the program: one that a loop reads from a signalfd must not find this thread
        // unblocked and end the process.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                // SAFETY: retained for this thread by the line below; released when it ends.
                if let argument { Unmanaged<Watchdog>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard failure == 0 else {
            Unmanaged.passUnretained(self).release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
