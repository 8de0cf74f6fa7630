import CLoop
import Glibc
import Testing

@Suite struct SignalsTests {
    @Test func `a signal raised for the thread is reported by number, once`() {
        // Blocked for this thread only, and put back: the other tests share the process.
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

        let signals = cloop_signals_open([SIGUSR1, SIGUSR2], 2)
        defer { close(signals) }
        #expect(signals >= 0)
        #expect(isNonBlockingAndCloseOnExec(signals))
        #expect(cloop_signals_take(signals) == -EAGAIN)
        pthread_kill(pthread_self(), SIGUSR2)
        #expect(cloop_signals_take(signals) == SIGUSR2)
        #expect(cloop_signals_take(signals) == -EAGAIN)
    }

    @Test func `a number that is no signal is refused with EINVAL`() {
        #expect(cloop_signals_open([SIGUSR1, 4_711], 2) == -EINVAL)
    }
}
