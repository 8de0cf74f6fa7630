// What can be done with bytes that arrive in order, wherever they come from: three things are asked of the source, and
// the ways to read follow from them.

internal import Glibc

/// A source of bytes that keeps what was received and not consumed: a connection, a pipe.
///
/// A read that is cancelled, or reaches the task's deadline, has not happened: every byte is still there.
public protocol ByteReading: AnyObject, Sendable {
    /// The bytes received and not consumed. Valid until the source is next used or the task suspends.
    var unread: UnsafeRawBufferPointer { get }

    /// Drops the first `count` of `unread`.
    func consume(_ count: Int)

    /// Receives more behind what is unread; suspends while there is nothing to receive.
    ///
    /// - Returns: false when the last byte has come.
    func fill() async throws -> Bool
}

extension ByteReading {
    /// Reads what is there, at least one byte and at most `limit`; suspends while there is none.
    ///
    /// - Returns: nil when the last byte has been read.
    public func read(atMost limit: Int = 64 * 1024) async throws -> [UInt8]? {
        guard limit > 0 else { return [] }
        if unread.isEmpty {
            guard try await fill() else { return nil }
        }
        return take(min(limit, unread.count))
    }

    /// Reads exactly `count` bytes.
    ///
    /// - Throws: `StreamError.ended` when the end comes first: what came is still there.
    public func read(exactly count: Int) async throws -> [UInt8] {
        while unread.count < count {
            guard try await fill() else { throw StreamError.ended(received: unread.count) }
        }
        return take(count)
    }

    /// Reads up to and including the first `delimiter`.
    ///
    /// - Throws: `StreamError.limitExceeded` when it does not come within `limit` bytes, `StreamError.ended` when the end
    ///   comes first. What came is still there.
    /// - Complexity: O(n): bytes are searched once, however they arrive.
    public func read(until delimiter: UInt8, limit: Int = 64 * 1024) async throws -> [UInt8] {
        var searched = 0
        while true {
            let bytes = unread
            let fresh = bytes[searched..<max(searched, min(bytes.count, limit))]
            if let index = fresh.firstIndex(of: delimiter) { return take(index + 1) }
            searched = bytes.count
            guard searched < limit else { throw StreamError.limitExceeded(limit: limit) }
            guard try await fill() else { throw StreamError.ended(received: unread.count) }
        }
    }

    /// Reads all there is, to the end.
    ///
    /// - Throws: `StreamError.limitExceeded` when there is more than `limit` bytes; what came is still there.
    public func collect(upTo limit: Int = 16 * 1024 * 1024) async throws -> [UInt8] {
        repeat {
            if unread.count > limit { throw StreamError.limitExceeded(limit: limit) }
        } while try await fill()
        return take(unread.count)
    }

    /// The lines, one after the other as they arrive, as text without their ends (LF, or CR LF). The last one need not
    /// have an end. What is no UTF-8 is replaced by U+FFFD.
    ///
    /// - Parameter limit: a longer line throws `StreamError.limitExceeded`.
    public func lines(limit: Int = 64 * 1024) -> LineSequence<Self> { LineSequence(source: self, limit: limit) }

    private func take(_ count: Int) -> [UInt8] {
        let bytes = Array(unread.prefix(count))
        consume(count)
        return bytes
    }
}

/// The lines of a source of bytes. Made by `ByteReading.lines`.
public struct LineSequence<Source: ByteReading>: AsyncSequence, AsyncIteratorProtocol, Sendable {
    fileprivate let source: Source
    fileprivate let limit: Int

    public func makeAsyncIterator() -> LineSequence { self }

    /// The next line; nil at the end. Suspends until it has come whole.
    public mutating func next() async throws -> String? {
        var line: ArraySlice<UInt8>
        do {
            line = try await source.read(until: UInt8(ascii: "\n"), limit: limit).dropLast()
        } catch StreamError.ended {
            guard let rest = try await source.read(atMost: limit) else { return nil }
            line = rest[...]
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }
}
