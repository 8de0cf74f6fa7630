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

    /// Throws when the calling task must not read now, because another one is in the middle of a read: what is unread is its.
    /// By default it never throws.
    func checkReader() throws

    /// Receives more behind what is unread; suspends while there is nothing to receive.
    ///
    /// - Returns: false when the last byte has come.
    func fill() async throws -> Bool

    /// Reads what is there into memory of the caller's. See the extension.
    func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int

    /// Fills memory of the caller's. See the extension.
    func read(filling buffer: UnsafeMutableRawBufferPointer) async throws
}

extension ByteReading {
    public func checkReader() throws {}

    /// Reads what is there, at least one byte and at most `limit`; suspends while there is none.
    ///
    /// - Returns: nil when the last byte has been read.
    public func read(atMost limit: Int = 64 * 1024) async throws -> [UInt8]? {
        guard limit > 0 else { return [] }
        try checkReader()
        if unread.isEmpty {
            guard try await fill() else { return nil }
        }
        return take(min(limit, unread.count))
    }

    /// Reads exactly `count` bytes.
    ///
    /// - Throws: `StreamError.ended` when the end comes first: what came is still there.
    public func read(exactly count: Int) async throws -> [UInt8] {
        try checkReader()
        while unread.count < count {
            guard try await fill() else { throw StreamError.ended(received: unread.count) }
        }
        return take(count)
    }

    /// Reads what is there into memory of the caller's, at least one byte; suspends while there is none.
    ///
    /// The memory is the caller's to keep alive until this returns or throws; no pointer to it is kept afterwards.
    ///
    /// - Returns: how many bytes were read; 0 when the last byte has been read, and for an empty buffer.
    public func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        guard !buffer.isEmpty else { return 0 }
        try checkReader()
        if unread.isEmpty {
            guard try await fill() else { return 0 }
        }
        return take(into: buffer)
    }

    /// Reads exactly as many bytes as `buffer` has room for.
    ///
    /// The memory is the caller's to keep alive until this returns or throws. After a throw its contents say nothing, and
    /// all that came is still in the source.
    ///
    /// - Throws: `StreamError.ended` when the end comes first.
    public func read(filling buffer: UnsafeMutableRawBufferPointer) async throws {
        try checkReader()
        while unread.count < buffer.count {
            guard try await fill() else { throw StreamError.ended(received: unread.count) }
        }
        _ = take(into: buffer)
    }

    /// Receives until at least `count` bytes are unread, and consumes none of them.
    ///
    /// - Returns: `unread`, which is valid until the source is next used or the task suspends.
    /// - Throws: `StreamError.ended` when the end comes first: what came is in `unread`.
    @discardableResult
    public func peek(atLeast count: Int) async throws -> UnsafeRawBufferPointer {
        try checkReader()
        while unread.count < count {
            guard try await fill() else { throw StreamError.ended(received: unread.count) }
        }
        return unread
    }

    /// Reads up to and including the first `delimiter`, which may arrive in pieces.
    ///
    /// - Throws: `StreamError.limitExceeded` when it does not end within `limit` bytes, `StreamError.ended` when the end
    ///   comes first. What came is still there.
    /// - Complexity: O(n): bytes are searched once, however they arrive and whatever the delimiter is (`DelimiterSearch`).
    public func read(until delimiter: [UInt8], limit: Int = 64 * 1024) async throws -> [UInt8] {
        precondition(!delimiter.isEmpty, "A delimiter has at least one byte.")
        try checkReader()
        var search = DelimiterSearch(delimiter)
        while true {
            let bytes = unread
            if let end = search.end(in: UnsafeRawBufferPointer(rebasing: bytes.prefix(limit))) { return take(end) }
            guard bytes.count < limit else { throw StreamError.limitExceeded(limit: limit) }
            guard try await fill() else { throw StreamError.ended(received: unread.count) }
        }
    }

    /// Reads up to and including the first `delimiter`.
    ///
    /// - Throws: `StreamError.limitExceeded` when it does not come within `limit` bytes, `StreamError.ended` when the end
    ///   comes first. What came is still there.
    /// - Complexity: O(n): bytes are searched once, however they arrive.
    public func read(until delimiter: UInt8, limit: Int = 64 * 1024) async throws -> [UInt8] {
        try checkReader()
        var searched = 0
        while true {
            let bytes = unread
            let within = UnsafeRawBufferPointer(rebasing: bytes.prefix(limit))
            if let index = within.offset(of: delimiter, from: searched) { return take(index + 1) }
            searched = bytes.count
            guard searched < limit else { throw StreamError.limitExceeded(limit: limit) }
            guard try await fill() else { throw StreamError.ended(received: unread.count) }
        }
    }

    /// Reads all there is, to the end.
    ///
    /// - Throws: `StreamError.limitExceeded` when there is more than `limit` bytes, `StreamError.broken` when the connection
    ///   breaks instead of ending, which a reset is too. What came is still there, in `unread`.
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

    /// The bytes as they arrive, in pieces of at most `limit` bytes, to the end.
    ///
    /// Receives only when the next piece is asked for, so a slow loop slows the peer down.
    public func chunks(atMost limit: Int = 64 * 1024) -> ChunkSequence<Self> {
        precondition(limit > 0, "A chunk must be allowed at least one byte; \(limit) is none.")
        return ChunkSequence(source: self, limit: limit)
    }

    /// Moves as much of `unread` as there is room for.
    func take(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let bytes = UnsafeRawBufferPointer(rebasing: unread.prefix(buffer.count))
        buffer.copyMemory(from: bytes)
        consume(bytes.count)
        return bytes.count
    }

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

/// The bytes of a source in pieces, as they arrive. Made by `ByteReading.chunks`.
public struct ChunkSequence<Source: ByteReading>: AsyncSequence, AsyncIteratorProtocol, Sendable {
    fileprivate let source: Source
    fileprivate let limit: Int

    public func makeAsyncIterator() -> ChunkSequence { self }

    /// The next piece, never empty; nil at the end. Suspends while there is nothing to read.
    public mutating func next() async throws -> [UInt8]? { try await source.read(atMost: limit) }
}
