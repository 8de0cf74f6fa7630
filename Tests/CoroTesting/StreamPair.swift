// Two streams that are each other's peer, without a network.

public import Coro
internal import Glibc

/// A connected pair of byte streams on one loop (socketpair(2)).
///
/// ```swift
/// let pair = try StreamPair(on: loop)
/// try await pair.left.write("ping")
/// #expect(try await pair.right.read(exactly: 4) == Array("ping".utf8))
/// ```
///
/// What one end writes the other one reads. Dropping an end closes it.
public struct StreamPair: Sendable {
    /// One end.
    public let left: ByteStream
    /// The other.
    public let right: ByteStream

    /// Makes the pair. Loop's thread.
    ///
    /// - Parameter bufferBytes: how much the kernel is to keep of what was written and not read, so that writers meet
    ///   back-pressure early. It has a minimum of its own (some KiB) and counts its bookkeeping too (socket(7)).
    /// - Throws: `IOError` when the process has no descriptor left.
    public init(on loop: EventLoop, bufferBytes: Int32? = nil) throws(IOError) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw IOError(call: "socketpair", code: errno) }
        if var bytes = bufferBytes {
            for end in ends {
                setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
            }
        }
        do throws(IOError) {
            left = try ByteStream(takingOver: ends[0], on: loop)
        } catch {
            _ = Glibc.close(ends[1])
            throw error
        }
        right = try ByteStream(takingOver: ends[1], on: loop)
    }

    /// Closes both ends.
    public func close() {
        left.close()
        right.close()
    }
}
