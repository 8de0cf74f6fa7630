import Coro
import CoroTesting
import Testing

@Suite struct ReportTests {
    @Test func `an abandoned promise that nobody waits for is reported once, with the place of its making`()
        async throws
    {
        let recorder = ReportRecorder { $0.error is AbandonedError && $0.origin?.line == 1_207 }
        try await withLoop { loop in
            func abandon() { _ = loop.promise(of: Int.self, line: 1_207) }
            abandon()
            try await loop.moment()
        }
        #expect(recorder.failures.count == 1)
        #expect(recorder.failures.first?.summary == "Future failure was never observed")
        #expect(
            recorder.failures.first?.description
                == "coro: Future failure was never observed: The promise made at CoroTests/ReportTests.swift:1207 was "
                + "dropped without a result. (made at CoroTests/ReportTests.swift:1207)")
    }

    @Test func `an abandoned promise that somebody waits for is that one's failure, and not reported`() async throws {
        let recorder = ReportRecorder { $0.error is AbandonedError && $0.origin?.line == 1_208 }
        try await withLoop { loop in
            func abandon() -> Future<Int> { loop.promise(of: Int.self, line: 1_208).future }
            await #expect(throws: AbandonedError.self) { try await abandon().value }
        }
        #expect(recorder.failures.isEmpty)
    }

    @Test func `what was cancelled is not reported`() async throws {
        let recorder = ReportRecorder { $0.error is CancellationError && $0.origin?.line == 1_209 }
        try await withLoop { loop in
            let promise = loop.promise(of: Int.self, line: 1_209)
            promise.future.cancel()
            loop.spawn(line: 1_209) { throw CancellationError() }
            loop.spawn(line: 1_209) { try await loop.sleep(for: .seconds(3600)) }.cancel()
            loop.addCallback { throw CancellationError() }
            for _ in 0..<3 { try await loop.moment() }
        }
        #expect(recorder.failures.isEmpty)
    }
}
