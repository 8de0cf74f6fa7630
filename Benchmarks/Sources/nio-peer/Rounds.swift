// Rounds of a thousand operations, by the CPU time of the thread that does them: other work on the machine counts less.

import Glibc

/// What each round took, in nanoseconds an operation.
struct Rounds {
    static let size = 1_000

    private(set) var times: [Double] = []
    private let end: Double

    /// A tenth of the time goes to rounds that do not count: caches and the allocator's pools fill up.
    private let warm: Double

    init(seconds: Double) {
        warm = Clock.wall + seconds / 10 * 1e9
        end = Clock.wall + seconds * 1e9
    }

    /// True until the time is over, and for a few rounds in any case.
    var goOn: Bool { times.count < 11 || Clock.wall < end }

    /// Keeps a round that took so many nanoseconds.
    mutating func add(_ nanoseconds: Double) {
        guard Clock.wall > warm else { return }
        times.append(nanoseconds / Double(Rounds.size))
    }
}

/// Clocks in nanoseconds.
enum Clock {
    static var wall: Double { read(CLOCK_MONOTONIC) }
    /// What the calling thread has run.
    static var cpu: Double { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}
