import Coro
import CoroTesting
import Glibc
import Testing

/// Writing a connection that has broken.
@Suite struct BrokenConnectionTests {
    @Test func `on a broken connection nothing is queued, however often it is tried`() async throws {
        try await withLoop { loop async throws in
            let pair = try StreamPair(on: loop)
            let (left, right) = (pair.left, pair.right)
            right.close()
            let broken = StreamError.broken(IOError(call: "send", code: EPIPE))
            await #expect(throws: broken) { try await left.write("first") }
            let unsent = left.unsentCount
            for size in [10, 100_000] {
                let bytes = [UInt8](repeating: 1, count: size)
                await #expect(throws: broken) { try await left.write(bytes) }
                await #expect(throws: broken) { try await left.write(pieces: [bytes, bytes]) }
                left.append(bytes)
                await #expect(throws: broken) { try await left.flush() }
                await #expect(throws: broken) { try await left.drain() }
            }
            #expect(left.unsentCount == unsent)
            // Not a byte of a large write that breaks on its way is kept either.
            let other = try StreamPair(on: loop)
            other.right.close()
            let large = [UInt8](repeating: 1, count: 1 << 20)
            await #expect(throws: StreamError.self) { try await other.left.write(large) }
            #expect(other.left.unsentCount == 0)
        }
    }
}
