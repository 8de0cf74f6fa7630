// A failed system call, and the owner of closing descriptors.

internal import CLoop
internal import Glibc

/// A system call that failed: which one, and errno.
public struct IOError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call that failed, as its man page names it.
    public let call: String
    /// errno, positive.
    public let code: Int32

    /// Makes the error of a call that failed with this errno.
    public init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    public var description: String { "\(call): \(IOError.message(code))" }

    static let badDescriptor = EBADF
    static let exists = EEXIST

    /// The system's sentence for an errno.
    static func message(_ code: Int32) -> String {
        // strerror(3) may reuse one buffer for unknown numbers; strerror_r writes into ours.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { room in
            guard let base = room.baseAddress, strerror_r(code, base, room.count) == 0 else { return "errno \(code)" }
            return String(cString: base)
        }
    }

    /// Passes a result of CLoop's convention on: ≥ 0 as it is, −errno as an error.
    @discardableResult
    static func check(_ result: Int32, _ call: @autoclosure () -> String) throws(IOError) -> Int32 {
        guard result >= 0 else { throw IOError(call: call(), code: -result) }
        return result
    }
}

/// Closing, which must happen once and by one owner.
enum Descriptor {
    static func close(_ descriptor: Int32) {
        // close(2) on Linux releases the number even when it reports EINTR, so it is never repeated.
        _ = Glibc.close(descriptor)
    }
}
