// Two processes joined, as `sh` would with `|`, and what comes out streamed line by line. `Pipeline` sorts the lines of
// /etc/passwd by itself; `Pipeline grep -n root /etc/passwd` pipes the output of another command through sort.

import Coro

@main struct Main {
    static func main() throws {
        let words = CommandLine.arguments.dropFirst()
        let arguments = words.isEmpty ? ["/etc/passwd"] : Array(words.dropFirst())
        let source = Subprocess.Command(words.first ?? "cat", arguments: arguments)
        let loop = try EventLoop()
        try loop.runSync {
            let count = try await show(source, through: "sort", on: loop)
            print("\(count) lines")
        }
        try loop.close()
    }

    /// Shows what `second` makes of what `first` writes, as it comes. Both have ended when this returns, also when it is
    /// cancelled or throws.
    static func show(
        _ first: Subprocess.Command, through second: Subprocess.Command, on loop: EventLoop
    ) async throws -> Int {
        try await loop.withSubprocess(second, input: .pipe) { filter in
            guard let input = filter.standardInput, let output = filter.standardOutput else { return 0 }
            // The pipe's end becomes the first process's own: the kernel moves the bytes, we see none of them.
            return try await loop.withSubprocess(first, output: .into(input)) { source in
                var count = 0
                for try await line in output.lines() {
                    count += 1
                    print("\(count): \(line)")
                }
                try await source.wait().requireSuccess(of: first.program)
                try await filter.wait().requireSuccess(of: second.program)
                return count
            }
        }
    }
}
