import Coro
import CoroTesting
import Glibc
import Testing

/// A listener in a process that has no descriptor left. Each test takes all there are, so each has a process of its own.
@Suite struct StarvedListenerTests {
    /// Takes every descriptor that the process may still have.
    private static func takeAllDescriptors() -> [Int32] {
        var limit = rlimit(rlim_cur: 64, rlim_max: 64)
        setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
        var taken: [Int32] = []
        while case let descriptor = open("/dev/null", O_RDONLY), descriptor >= 0 { taken.append(descriptor) }
        return taken
    }

    @Test func `without descriptors it reports once, and accepts when there are some again`() async {
        await #expect(processExitsWith: .success) {
            let clock = ManualClock(whenIdle: .jumps)
            try await withLoop(clock: clock) { loop async throws in
                let listener = try Listener(on: loop, address: .loopback(port: 0))
                let client = try await Connector(loop: loop).connect(to: listener.address)
                var taken = StarvedListenerTests.takeAllDescriptors()
                let recorder = ReportRecorder { $0.loop == ObjectIdentifier(loop) }
                let accepting = loop.spawn { try await listener.accept() }
                // Ten tries, of which only the first says anything.
                try await loop.sleep(for: .seconds(1))
                #expect(recorder.failures.count == 1)
                taken.forEach { close($0) }
                taken = []
                let server = try #require(try await accepting.value)
                try await server.write("late")
                #expect(try await client.read() == Array("late".utf8))
            }
        }
    }

    @Test func `close() ends an accept that waits for descriptors at once`() async {
        await #expect(processExitsWith: .success) {
            // The clock stands, so that nothing but the close can end the pause.
            try await withLoop(clock: ManualClock()) { loop async throws in
                let listener = try Listener(on: loop, address: .loopback(port: 0))
                let client = try await Connector(loop: loop).connect(to: listener.address)
                let taken = StarvedListenerTests.takeAllDescriptors()
                let recorder = ReportRecorder { $0.loop == ObjectIdentifier(loop) }
                let accepting = loop.spawn { try await listener.accept() }
                for _ in 0..<5 { try await loop.moment() }
                #expect(recorder.failures.count == 1)
                listener.close()
                #expect(try await accepting.value == nil)
                taken.forEach { close($0) }
                client.close()
            }
        }
    }
}
