import Coro
import CoroTesting

/// How many turns everybody else on the loop has while `work` is under way. What moves the bytes at the other end must do it by
/// system calls: one of ours would let others have their turn as well, and hide who does not.
func turnsOfOthers(on loop: EventLoop, while work: () async throws -> Void) async throws -> Int {
    let turns = Journal<Void>()
    let others = loop.spawn {
        while true {
            turns.note(())
            try await loop.moment()
        }
    }
    defer { others.cancel() }
    try await work()
    return turns.entries.count
}
