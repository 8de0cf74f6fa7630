// What waiting things take in memory.

internal import Coro

extension Scenario {
    static let memory: [Scenario] = []
}
