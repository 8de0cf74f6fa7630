// How a failure is said.

import Console

extension Console {
    /// Prints a failure's line, unless it is a quiet one.
    static func report(_ failure: Failure) {
        if !failure.isQuiet { note(failure.line + "\n") }
    }
}
