// What -d and its sisters send: text, a file, or standard input.

import Glibc

enum Upload {
    /// The bytes that an argument of -d means: itself, or with an @ the file it names; @- is standard input.
    ///
    /// - Throws: `Failure` with exit code 26 when the file cannot be read.
    static func data(_ argument: String, keepsLineBreaks: Bool) throws -> [UInt8] {
        guard argument.hasPrefix("@") else { return Array(argument.utf8) }
        let bytes = try contents(of: String(argument.dropFirst()))
        // curl: -d @file is for forms written in an editor, whose line breaks are not meant.
        return keepsLineBreaks ? bytes : bytes.filter { $0 != 10 && $0 != 13 && $0 != 0 }
    }

    static func contents(of path: String) throws -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.system(.couldNotRead, "Cannot read \(path)") }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(descriptor, &block, block.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += block[..<count]
            } else if errno != EINTR {
                throw Failure.system(.couldNotRead, "Cannot read \(path)")
            }
        }
    }
}
