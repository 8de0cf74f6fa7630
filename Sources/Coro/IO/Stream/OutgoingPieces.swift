// Arrays of bytes on their way to the kernel, in order, without being copied together: what sendmsg(2) is told of them, and
// how far they have gone.

internal import Glibc

/// Pieces that are sent one after the other, and how much of them has not gone yet.
struct OutgoingPieces: ~Copyable {
    private let pieces: [[UInt8]]
    /// The first piece that has not gone whole, and how much of it has.
    private var index = 0
    private var gone = 0
    /// How many bytes have not gone.
    private(set) var count: Int

    /// The kernel takes IOV_MAX (1024) pieces a call. Beyond a few dozen a call's own cost is nothing beside theirs, and each
    /// of ours is a frame on the stack.
    static let vectorsMax = 64

    init(_ pieces: [[UInt8]]) {
        self.pieces = pieces
        count = pieces.reduce(0) { $0 + $1.count }
        skipEmpty()
    }

    /// How many bytes the next call can be offered.
    var countOfNext: Int {
        pieces[index...].prefix(OutgoingPieces.vectorsMax).reduce(-gone) { $0 + $1.count }
    }

    /// Notes that `sent` more bytes have gone.
    mutating func advance(_ sent: Int) {
        count -= sent
        gone += sent
        while index < pieces.count, gone >= pieces[index].count, gone > 0 {
            gone -= pieces[index].count
            index += 1
        }
        skipEmpty()
    }

    private mutating func skipEmpty() {
        while index < pieces.count, pieces[index].isEmpty { index += 1 }
    }

    /// The rest of the piece whose turn it is.
    func withFirst<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard index < pieces.count else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return pieces[index].withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[gone...])) }
    }

    /// The rest of every piece, in order.
    func forEachRest(_ body: (UnsafeRawBufferPointer) -> Void) {
        withFirst(body)
        for piece in pieces.dropFirst(index + 1) { piece.withUnsafeBytes(body) }
    }

    /// Describes `queued` and then the pieces to the kernel: `count` bytes of them together, and no more.
    func withVectors(
        after queued: UnsafeRawBufferPointer, count: Int, _ call: (UnsafeBufferPointer<iovec>) -> Int64
    ) -> Int64 {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: OutgoingPieces.vectorsMax + 1) { room in
            var vectors = Vectors(room: room, bytesLeft: count)
            vectors.add(queued)
            return withFirst { first in
                vectors.add(first)
                return describe(from: index + 1, &vectors, call)
            }
        }
    }

    /// One frame a piece: an array's bytes stay where they are only inside `withUnsafeBytes`.
    private func describe(
        from next: Int, _ vectors: inout Vectors, _ call: (UnsafeBufferPointer<iovec>) -> Int64
    ) -> Int64 {
        guard vectors.bytesLeft > 0, next < pieces.count, next - index < OutgoingPieces.vectorsMax else {
            return call(vectors.described)
        }
        return pieces[next].withUnsafeBytes { bytes in
            vectors.add(bytes)
            return describe(from: next + 1, &vectors, call)
        }
    }

    /// The list that the kernel gets.
    private struct Vectors {
        let room: UnsafeMutableBufferPointer<iovec>
        var bytesLeft: Int
        private var used = 0

        init(room: UnsafeMutableBufferPointer<iovec>, bytesLeft: Int) {
            self.room = room
            self.bytesLeft = bytesLeft
        }

        var described: UnsafeBufferPointer<iovec> { UnsafeBufferPointer(rebasing: room[..<used]) }

        mutating func add(_ bytes: UnsafeRawBufferPointer) {
            let count = min(bytes.count, bytesLeft)
            guard count > 0 else { return }
            // SAFETY: sendmsg(2) only reads; the member is not const because recvmsg(2) shares it.
            let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
            room.initializeElement(at: used, to: iovec(iov_base: base, iov_len: count))
            used += 1
            bytesLeft -= count
        }
    }
}
