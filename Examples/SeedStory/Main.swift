// The story that Coro was founded on, told by a program: two requests to a server that takes a second for each answer,
// made in five ways. Asked one after the other they take two seconds; waited for together they take one.
//
// The five ways are one file each, in the order in which people found them. Read them side by side: the first and the
// last look alike, and only one of the two waits for both answers at once.

import Glibc

/// One way to make two requests to a port of this machine.
struct CodePath {
    let name: String
    /// How long it takes, in seconds.
    let expected: Double
    let makeTwoRequests: (UInt16) throws -> Void
}

@main struct Main {
    static func main() throws {
        let server = try OneSecondServer()
        let paths = [
            CodePath(name: "1 blocking", expected: 2, makeTwoRequests: Blocking.run),
            CodePath(name: "2 readiness and callbacks", expected: 1, makeTwoRequests: Callbacks.run),
            CodePath(name: "3 hand-built Future and Task", expected: 1, makeTwoRequests: HandBuilt.run),
            CodePath(name: "4 coroutine and yield", expected: 1, makeTwoRequests: Generators.run),
            CodePath(name: "5 native async", expected: 1, makeTwoRequests: Native.run),
        ]
        var isAsExpected = true
        for path in paths {
            let elapsed = try ContinuousClock().measure { try path.makeTwoRequests(server.port) }
            let seconds = elapsed / .seconds(1)
            print("\(path.name): \((seconds * 10).rounded() / 10) s")
            if abs(seconds - path.expected) > 0.2 {
                isAsExpected = false
                print("  … which should have been \(path.expected) s")
            }
        }
        try server.stop()
        if !isAsExpected { exit(1) }
    }
}
