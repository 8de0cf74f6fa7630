import Coro
import CoroTesting
import Glibc
import Testing

@Suite struct SignalSourceTests {
    @Test func `a signal is read where it was blocked, and one that is cancelled has taken none`() async throws {
        try await withLoop { loop async throws in
            let signals = try loop.signals([SIGUSR2])
            let reading = loop.spawn { try await signals.next() }
            try await loop.moment()
            await #expect(throws: StreamError.busy("reading")) { try await signals.next() }
            reading.cancel()
            await #expect(throws: CancellationError.self) { try await reading.value }
            raise(SIGUSR2)
            #expect(try await signals.next() == SIGUSR2)
        }
    }

    @Test func `another thread is sent away`() async throws {
        try await withLoop { loop async throws in
            let signals = try loop.signals([SIGUSR2])
            let foreign = Task.detached {
                try await loop.withTimeout(.zero) { try await signals.next() }
            }
            await #expect(throws: StreamError.wrongThread) { try await foreign.value }
        }
    }

    @Test func `signals that cannot be read stay as they were`() async {
        // In a process of its own, which has no descriptor left.
        await #expect(processExitsWith: .success) {
            try await withLoop { loop async throws in
                var set = sigset_t()
                sigemptyset(&set)
                sigaddset(&set, SIGUSR2)
                pthread_sigmask(SIG_UNBLOCK, &set, nil)
                var limit = rlimit(rlim_cur: 64, rlim_max: 64)
                setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
                var taken: [Int32] = []
                while case let descriptor = open("/dev/null", O_RDONLY), descriptor >= 0 { taken.append(descriptor) }
                #expect(throws: IOError(call: "signalfd", code: EMFILE)) { try loop.signals([SIGUSR2]) }
                pthread_sigmask(SIG_BLOCK, nil, &set)
                #expect(sigismember(&set, SIGUSR2) == 0)
                taken.forEach { close($0) }
            }
        }
    }
}
