// coro-bench as others meet it: what it says, how it ends, and that its report can be read. Never how fast anything is.

import Foundation
import Testing

struct BenchTests {
    private static let path = Program.products.appendingPathComponent("coro-bench").path

    private func bench(_ arguments: String...) throws -> ProgramResult { try Program.run(Self.path, arguments) }

    @Test func `help and version go to standard output`() throws {
        let help = try bench("--help")
        #expect(help.status == 0 && help.errors.isEmpty)
        for word in ["--filter", "--list", "--report", "--time", "--rounds", "Examples:", "Exit codes:"] {
            #expect(help.text.contains(word))
        }
        let version = try bench("-V")
        #expect(version.status == 0)
        #expect(version.text.wholeMatch(of: /coro-bench \d+\.\d+\.\d+\n/) != nil)
    }

    @Test(arguments: [
        [], ["macro"], ["micro", "memory"], ["micro", "--nope"], ["micro", "--time"], ["micro", "--time", "0"],
        ["micro", "--time", "nan"], ["micro", "--rounds=0"], ["micro", "--report", "xml"],
        ["micro", "--filter", "no such row"], ["micro", "--list=x"],
    ]) func `a wrong command line ends with code 2 and says what to do`(arguments: [String]) throws {
        let result = try Program.run(Self.path, arguments)
        #expect(result.status == 2 && result.output.isEmpty)
        #expect(result.errors.hasPrefix("coro-bench: "))
        #expect(result.errors.hasSuffix("\nTry coro-bench --help.\n"))
    }

    @Test func `the list names each scenario once, and measures nothing`() throws {
        for list in ["micro", "memory"] {
            let result = try bench(list, "--list")
            #expect(result.status == 0 && result.errors.isEmpty)
            let names = result.text.split(separator: "\n").filter { !$0.hasPrefix(" ") }
            #expect(names.count > 5)
            #expect(Set(names).count == names.count)
        }
        let some = try bench("micro", "--list", "-f", "TIMER/arm", "-f", "generator/send")
        #expect(some.text.split(separator: "\n").filter { !$0.hasPrefix(" ") }.count == 2)
    }

    @Test func `every row of the design has its aim in the list`() throws {
        let list = try bench("micro", "--list").text
        for aim in [40, 100, 20, 250, 600, 300, 80, 60] { #expect(list.contains("[aim \(aim) ns]"), "\(aim)") }
    }

    @Test func `every micro scenario runs, and its JSON can be read`() throws {
        let result = try bench("micro", "--report", "json", "--time", "0.001", "--rounds", "1")
        #expect(result.status == 0)
        #expect(result.errors.isEmpty)
        let report = try #require(try JSONSerialization.jsonObject(with: result.output) as? [String: Any])
        #expect(report["tool"] as? String == "coro-bench")
        #expect((report["machine"] as? [String: Any])?["cores"] is Int)
        let rows = try #require(report["results"] as? [[String: Any]])
        let listed = try bench("micro", "--list").text.split(separator: "\n").filter { !$0.hasPrefix(" ") }
        #expect(rows.count == listed.count)
        for row in rows {
            #expect((row["ns_median"] as? Double ?? 0) > 0, "\(row)")
            #expect((row["operations"] as? Double ?? 0) > 0, "\(row)")
        }
    }

    @Test func `an object is one allocation of its size`() throws {
        let result = try bench("micro", "-f", "make an object", "-r", "json", "-t", "0.01")
        let report = try #require(try JSONSerialization.jsonObject(with: result.output) as? [String: Any])
        let row = try #require((report["results"] as? [[String: Any]])?.first)
        // Null under a sanitizer, which brings its own malloc.
        guard let allocations = row["allocations"] as? Double, let bytes = row["bytes"] as? Double else { return }
        #expect(abs(allocations - 1) < 0.01)
        #expect(abs(bytes - 48) < 1)
    }

    @Test func `memory is weighed, and the table has no colours in a pipe`() throws {
        let result = try bench("memory", "--filter", "armed timer")
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(!result.text.contains("\u{1B}"))
        let lines = result.text.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.contains("resident") == true && lines.last?.contains("100000") == true)
    }
}
