// Finds a sequence of bytes in a stream that arrives in pieces, looking at each byte once, also where one piece ends in the
// middle of the sequence: the search of Knuth, Morris and Pratt (SIAM Journal on Computing 6, 1977). Between candidates
// memchr(3) runs ahead to the next first byte, which is most of the work in most texts.

internal import Glibc

/// A search that goes on where it was when more bytes have come.
struct DelimiterSearch {
    private let delimiter: [UInt8]
    /// For each length of a match that fails: how much of its end is a beginning of the delimiter.
    private let fallback: [Int]
    /// How many bytes have been looked at, and how much of the delimiter the last of them match.
    private var searched = 0
    private var matched = 0

    init(_ delimiter: [UInt8]) {
        self.delimiter = delimiter
        var fallback = [Int](repeating: 0, count: delimiter.count)
        var length = 0
        for index in delimiter.indices.dropFirst() {
            while length > 0, delimiter[index] != delimiter[length] { length = fallback[length - 1] }
            if delimiter[index] == delimiter[length] { length += 1 }
            fallback[index] = length
        }
        self.fallback = fallback
    }

    /// Goes on in `bytes`, which begin with those that were given before.
    ///
    /// - Returns: how many bytes there are up to and including the first delimiter; nil when it has not come.
    mutating func end(in bytes: UnsafeRawBufferPointer) -> Int? {
        while searched < bytes.count {
            if matched == 0, !skipToFirst(in: bytes) { return nil }
            let byte = bytes[searched]
            while matched > 0, byte != delimiter[matched] { matched = fallback[matched - 1] }
            if byte == delimiter[matched] { matched += 1 }
            searched += 1
            if matched == delimiter.count { return searched }
        }
        return nil
    }

    /// Moves on to where a match may begin; false when that is nowhere.
    private mutating func skipToFirst(in bytes: UnsafeRawBufferPointer) -> Bool {
        let found = bytes.offset(of: delimiter[0], from: searched)
        searched = found ?? bytes.count
        return found != nil
    }
}

extension UnsafeRawBufferPointer {
    /// Where `byte` first stands, from `start` on; nil when nowhere.
    func offset(of byte: UInt8, from start: Int) -> Int? {
        guard let base = baseAddress, start < count else { return nil }
        return memchr(base + start, Int32(byte), count - start).map { UnsafeRawPointer($0) - base }
    }
}
