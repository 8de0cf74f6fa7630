// Standard error and short texts: written at once, in one piece.

import Glibc

enum Console {
    /// Prints a text that ends in a line break on standard output.
    static func print(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// Prints a text on standard error.
    static func note(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Prints a failure's line, unless it is a quiet one.
    static func report(_ failure: Failure) {
        if !failure.isQuiet { note(failure.line + "\n") }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                // Nobody is left to tell when standard error itself cannot be written.
                guard count > 0 else {
                    if count < 0, errno == EINTR { continue }
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
        }
    }
}
