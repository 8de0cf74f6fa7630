// Tests that block, as programs without async code are tested.

import CoroTesting
import Glibc
import Testing

@Suite(.ownThread) struct OwnThreadTests {
    /// Those who have come so far.
    private static let present = Journal<Int>()
    private static let crowd = 0..<16

    @Test(arguments: crowd) func `tests that block until all are there have a thread each`(number: Int) {
        Self.present.note(number)
        // On Swift's own pool there are as many at a time as there are cores.
        for _ in 0..<3_000 where Self.present.entries.count < Self.crowd.count { usleep(10_000) }
        #expect(Self.present.entries.count == Self.crowd.count)
    }

    @Test func `what such a test awaits comes back to a thread that may block`() async {
        let answer = await Task.detached { 1 }.value
        usleep(1_000)
        #expect(answer == 1)
    }
}
