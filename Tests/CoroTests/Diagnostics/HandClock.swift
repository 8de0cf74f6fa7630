import Coro
import Synchronization

/// A clock that a callback under test moves by hand while it runs, as if it had taken that long.
final class HandClock: LoopClock {
    private let time = Atomic<Int64>(1_000_000_000)

    var now: Int64 { time.load(ordering: .relaxed) }

    func pass(_ milliseconds: Int64) { time.wrappingAdd(milliseconds * 1_000_000, ordering: .relaxed) }

    func wait(until deadline: Int64) -> Int64 { deadline <= now ? 0 : -1 }
}
