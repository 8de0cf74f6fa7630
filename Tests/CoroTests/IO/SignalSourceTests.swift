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
}
