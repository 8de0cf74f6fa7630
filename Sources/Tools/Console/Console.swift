// What the tools say, and where: results on standard output, everything else on standard error, each text in one piece.

internal import Glibc

/// The terminal, or whatever stands in its place.
public enum Console {
    /// Writes a text to standard output.
    public static func print(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Writes a text to standard error.
    public static func note(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Writes bytes to standard error.
    public static func note(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { write($0, to: STDERR_FILENO) } }

    /// True when somebody watches: both outputs are a terminal, so that progress may be shown.
    public static var isWatched: Bool { isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// One write(2) a text, so that the lines of several threads do not mix (a pipe takes up to PIPE_BUF at once).
    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            // Nobody is left to tell when this cannot be written.
            guard count > 0 || errno == EINTR else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
        }
    }
}
