// coro-bench as others meet it: what it says, how it ends, and that its report can be read. Never how fast anything is.

import CoroTesting
import Foundation
import Testing

@Suite(.ownThread) struct BenchTests {
    private static let path = Program.products.appendingPathComponent("coro-bench").path

    private func bench(_ arguments: String...) throws -> ProgramResult { try bench(arguments) }
    private func bench(_ arguments: [String]) throws -> ProgramResult { try Program.run(Self.path, arguments) }

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
        for list in ["micro", "memory", "net"] {
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

    // MARK: Servers

    private static let quickNet = ["net", "-t", "0.001", "-n", "1"]

    @Test func `every server is compared, and the JSON says with whom`() throws {
        // What s_time takes is whole seconds.
        let filters = ["stream/", "connection/", "file/", "quiet/", "handshakes", "gib"].flatMap { ["-f", $0] }
        let result = try bench(Self.quickNet + filters + ["--report", "json"])
        #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        let report = try #require(try JSONSerialization.jsonObject(with: result.output) as? [String: Any])
        #expect(report["list"] as? String == "net")
        let rows = try #require(report["results"] as? [[String: Any]])
        #expect(rows.count >= 11)
        #if TLS
        #expect(rows.filter { $0["group"] as? String == "tls" }.count == 4)
        #endif
        for row in rows {
            let servers = try #require(row["servers"] as? [[String: Any]])
            let missing = try #require(row["missing"] as? [[String: Any]])
            #expect(servers.count + missing.count == (row["group"] as? String == "tls" ? 3 : 2), "\(row)")
            #expect((servers.first?["name"] as? String)?.hasPrefix("coro") == true)
            #expect(missing.allSatisfy { ($0["cure"] as? String)?.isEmpty == false })
            let part = row["group"] as? String == "quiet" ? "resident_bytes" : "per_second"
            for server in servers {
                let spread = try #require(server[part] as? [String: Any])
                #expect(spread["median"] is Double && (spread["rounds"] as? [Any])?.count == 1, "\(server)")
                #expect((server["busy"] as? [String: Any])?["median"] is Double == (part == "per_second"), "\(server)")
            }
            // Fifty connections may cost a server less than a page.
            for peer in servers.dropFirst() where part == "per_second" {
                let ratio = try #require(peer["ratio_\(part)"] as? [String: Any])
                #expect(ratio["median"] is Double && ratio["min"] is Double && ratio["max"] is Double)
            }
        }
    }

    @Test func `a peer that is not installed is named, with its cure`() throws {
        let result = try Program.run("/usr/bin/env", ["PATH=/nowhere", Self.path] + Self.quickNet + ["-f", "file"])
        #expect(result.status == 0 && result.text.contains("nginx is missing: apt-get install"))
    }

    @Test func `nothing is left of a run that is interrupted`() throws {
        let folder = try TemporaryFolder()
        // Killed servers may stay as zombies until whoever inherits them looks.
        let script = """
            runs() { grep -q '^State:.[^ZX]' /proc/$1/status 2>/dev/null; }
            "$0" net -f file -t 3600 -n 1 >/dev/null & bench=$!
            until ls "$TMPDIR"/coro-bench-*/zeros >/dev/null 2>&1; do sleep 0.01; done
            until servers=$(cat /proc/$bench/task/$bench/children) && [ -n "$servers" ]; do sleep 0.01; done
            kill -TERM $bench; wait $bench; echo "code $?"
            for server in $servers; do
                for try in $(seq 200); do runs $server || break; sleep 0.01; done
                runs $server && echo "a server is left"
            done
            ls "$TMPDIR"
            """
        let result = try Program.run(
            "/usr/bin/env", ["TMPDIR=\(folder.url.path)", "/bin/bash", "-c", script, Self.path])
        #expect(result.text == "code 143\n", "\(result.errors)")
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
