// Time as the loop sees it: monotonic nanoseconds. The protocol is the seam that tests replace.

internal import Glibc

/// A point in time on a loop's clock. Instants of different clocks must not be compared.
public struct LoopInstant: InstantProtocol, Sendable, Hashable {
    /// Nanoseconds since the clock's own beginning (for the monotonic clock, since boot).
    public var nanoseconds: Int64

    /// The instant this many nanoseconds after its clock's beginning.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The instant `duration` later; a sum beyond the clock's range stays at its end.
    public func advanced(by duration: Duration) -> LoopInstant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.clampedNanoseconds)
        return LoopInstant(nanoseconds: overflow ? (nanoseconds < 0 ? .min : .max) : sum)
    }

    /// Exact for any two instants: a `Duration` has room for what 64 bits have not.
    public func duration(to other: LoopInstant) -> Duration {
        .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
    }

    public static func < (left: LoopInstant, right: LoopInstant) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// What a loop takes its time from.
public protocol LoopClock: Sendable {
    /// Nanoseconds that never go back.
    var now: Int64 { get }
    /// How long epoll may wait so that the loop is awake at `deadline`: nanoseconds, 0 when it is due, −1 when real
    /// time does not bring it nearer (a clock that a test moves by hand, and that wakes the loop itself).
    func wait(until deadline: Int64) -> Int64
    /// Called when the loop has waited as `wait(until:)` said and nothing came: no descriptor is ready and nothing to be
    /// run. A clock that a test moves by hand moves here. Does nothing by default.
    func idled()
}

extension LoopClock {
    public func idled() {}
}

/// CLOCK_MONOTONIC: setting the system's date does not move it.
public struct MonotonicClock: LoopClock {
    /// The one monotonic clock of the system; all copies are equal.
    public init() {}

    public var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    public func wait(until deadline: Int64) -> Int64 {
        // The comparison first: a deadline may be any number, and the difference then need not fit.
        let now = now
        return deadline <= now ? 0 : deadline - now
    }
}

extension Duration {
    /// The duration in nanoseconds, held at `Int64`'s bounds: "for ever" may be written as any huge number.
    var clampedNanoseconds: Int64 {
        // Every timer comes through here, and dividing 128 bits is slow. 10⁹ is 2⁹ · 5⁹: shifted by nine bits, what is
        // below two and a half hours fits one word, and a word is divided by a constant with a multiplication.
        if let word = UInt64(exactly: attoseconds.magnitude >> 9) {
            let nanoseconds = Int64(word / 1_953_125)
            return attoseconds < 0 ? -nanoseconds : nanoseconds
        }
        return Int64(clamping: attoseconds / 1_000_000_000)
    }
}
