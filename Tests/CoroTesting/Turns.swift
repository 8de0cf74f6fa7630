// Swift Testing starts all tests at once. A thousand loops on a thousand threads end no sooner on a few cores than some at a
// time; but what each of them takes, by the clock, is then the time of all, and whoever looks at real time (a deadline, a test
// that hangs) sees the crowd and not the test.

internal import Coro
internal import Glibc
internal import Testing

/// How many tests run a loop at a time; the others wait, in their order.
final class Turns: Sendable {
    static let shared = Turns(count: 8 * max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))

    private struct State {
        /// Tests whose turn it is, and how many loops each has. Loops of one test may wait for each other, so where one is
        /// the others come too.
        var present: [Test.ID: Int] = [:]
        /// In the order of their coming, from `first` on.
        var waiting: [(test: Test.ID, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let count: Int
    private let state = Locked(State())

    init(count: Int) { self.count = count }

    /// One loop's turn, to be ended once.
    struct Turn: Sendable {
        fileprivate let test: Test.ID?

        func end() { if let test { Turns.shared.leave(test) } }
    }

    /// Suspends until it is the turn of the test that calls this. Outside a test of Swift Testing it always is.
    func take() async -> Turn {
        guard let test = Test.current?.id else { return Turn(test: nil) }
        await withCheckedContinuation { continuation in
            let mayEnter = state.withLock { state in
                if state.present[test] == nil, state.present.count >= count {
                    state.waiting.append((test, continuation))
                    return false
                }
                state.present[test, default: 0] += 1
                return true
            }
            if mayEnter { continuation.resume() }
        }
        return Turn(test: test)
    }

    private func leave(_ test: Test.ID) {
        let next = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard let rest = state.present[test], rest > 1 else {
                state.present[test] = nil
                guard let first = state.waiting.first?.test else { return [] }
                let all = state.waiting.filter { $0.test == first }
                state.waiting.removeAll { $0.test == first }
                state.present[first] = all.count
                return all.map(\.continuation)
            }
            state.present[test] = rest - 1
            return []
        }
        for continuation in next { continuation.resume() }
    }
}
