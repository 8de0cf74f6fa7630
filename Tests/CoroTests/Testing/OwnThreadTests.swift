// Tests that block, as programs without async code are tested.

import CoroTesting
import Glibc
import Testing

@Suite(.ownThread) struct OwnThreadTests {
    @Test func `a test that blocks leaves every thread of the pool to others`() {
        let width = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let present = Journal<Int>()
        let met = Journal<Bool>()
        for number in 0..<width {
            Task.detached {
                // As many as the pool has threads, and each blocks one until all are there.
                present.note(number)
                for _ in 0..<2_000 where present.entries.count < width { usleep(5_000) }
                met.note(present.entries.count == width)
            }
        }
        for _ in 0..<2_400 where met.entries.count < width { usleep(5_000) }
        #expect(met.entries == Array(repeating: true, count: width))
    }

    @Test func `what such a test awaits comes back to a thread that may block`() async {
        let answer = await Task.detached { 1 }.value
        usleep(1_000)
        #expect(answer == 1)
    }
}
