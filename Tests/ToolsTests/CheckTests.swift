// Checks that are scripts, because they look at whole processes from outside: through strace(1), in a namespace of their own.

import CoroTesting
import Foundation
import Testing

/// What autotools and Meson take for "skipped".
private let skipped: Int32 = 77

@Suite(.ownThread, .serialized) struct CheckTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Checks").path
    private static func product(_ name: String) -> String { Program.products.appendingPathComponent(name).path }

    /// Runs a script; nil when this machine cannot, which is said.
    private func run(_ script: String, _ arguments: String...) throws -> ProgramResult? {
        let result = try Program.run("/bin/sh", ["\(Self.folder)/\(script)"] + arguments)
        guard result.status == skipped else { return result }
        FileHandle.standardError.write(Data("skipped: \(result.errors)".utf8))
        return nil
    }

    private static let isStraceHere = Program.find("strace") != nil

    @Test(.enabled(if: isStraceHere, "strace is not installed"), arguments: [true, false])
    func `no call on the loop's thread of a busy server blocks`(servesFiles: Bool) throws {
        let site = try TemporaryFolder()
        try Data(repeating: 7, count: 3_000_000).write(to: site.file("large.bin"))
        let arguments = ["--port", "0", "--quiet"] + (servesFiles ? [site.url.path] : [])
        let result = try Program.run(
            "/bin/sh", ["\(Self.folder)/blocking.sh", Program.coroFetch, Self.product("coro-serve")] + arguments)
        guard result.status != skipped else { return }
        #expect(result.status == 0, "\(result.text)\(result.errors)")
    }

    @Test(.enabled(if: isStraceHere, "strace is not installed"))
    func `a handler that sleeps on the loop's thread is found`() throws {
        guard let result = try run("blocking.sh", Program.coroFetch, Self.product("BlockingHandler")) else { return }
        #expect(result.status == 1)
        #expect(result.text.contains("blocking: clock_nanosleep("), "\(result.text)\(result.errors)")
    }

    @Test(.enabled(if: Program.find("ip") != nil && Program.find("unshare") != nil, "ip or unshare is not installed"))
    func `case 62: a first address that drops every packet costs a quarter of a second`() throws {
        guard let result = try run("dropped.sh", Program.coroFetch, Self.product("coro-serve")) else { return }
        #expect(result.status == 0, "\(result.text)\(result.errors)")
    }
}
