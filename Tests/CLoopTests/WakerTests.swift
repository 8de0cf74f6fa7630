import CLoop
import Glibc
import Testing

@Suite struct WakerTests {
    @Test func `every signal wakes an edge-triggered poller, though nobody reads the counter`() {
        let poller = cloop_poller_open()
        let waker = cloop_waker_open()
        defer {
            close(poller)
            close(waker)
        }
        #expect(cloop_poller_add(poller, waker, CLOOP_READABLE | CLOOP_EDGE_TRIGGERED, 9) == 0)
        var event = cloop_event()
        for _ in 0..<1_000 {
            #expect(cloop_poller_wait(poller, &event, 1, 0) == 0)
            #expect(cloop_waker_signal(waker) == 0)
            #expect(cloop_poller_wait(poller, &event, 1, -1) == 1)
            #expect(event.token_low == 9)
        }
    }

    @Test func `several signals before a wait wake once`() {
        let poller = cloop_poller_open()
        let waker = cloop_waker_open()
        defer {
            close(poller)
            close(waker)
        }
        #expect(cloop_poller_add(poller, waker, CLOOP_READABLE | CLOOP_EDGE_TRIGGERED, 9) == 0)
        for _ in 0..<3 { #expect(cloop_waker_signal(waker) == 0) }
        var event = cloop_event()
        #expect(cloop_poller_wait(poller, &event, 1, -1) == 1)
        #expect(cloop_poller_wait(poller, &event, 1, 0) == 0)
    }

    @Test func `a full counter is success, since the waker is readable already`() {
        let waker = cloop_waker_open()
        defer { close(waker) }
        // eventfd(2): the counter holds at most 2^64 − 2; one more would block.
        var most = UInt64.max - 1
        #expect(write(waker, &most, 8) == 8)
        #expect(cloop_waker_signal(waker) == 0)
    }

    @Test func `a waker is non-blocking and closed on exec`() {
        let waker = cloop_waker_open()
        defer { close(waker) }
        #expect(isNonBlockingAndCloseOnExec(waker))
        var counter: UInt64 = 0
        #expect(read(waker, &counter, 8) == -1)
    }

    @Test func `signalling a closed descriptor answers EBADF`() {
        #expect(cloop_waker_signal(-1) == -EBADF)
    }
}
