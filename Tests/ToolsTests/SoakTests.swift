// A few repetitions of what `make soak` repeats ten thousand times, so that it is known to work when it is needed.

import CoroTesting
import Foundation
import Testing

@Suite(.ownThread) struct SoakTests {
    // Not those that use the global pool: its threads come and go, and so few repetitions do not tell them from a leak.
    @Test(arguments: ["inbox", "timer", "generator", "scope", "lock", "queue", "channel", "report"])
    func `a few repetitions find nothing`(subject: String) throws {
        let soak = Program.products.appendingPathComponent("Soak").path
        let result = try Program.run(soak, ["--repeat", "30", "--filter", subject])
        #expect(result.status == 0, "\(result.text)\(result.errors)")
        for line in result.text.split(separator: "\n") { #expect(line.contains("30 repetitions")) }
        #expect(!result.text.isEmpty)
    }

    @Test func `a wrong command line, and a filter that finds nothing, are not success`() throws {
        let soak = Program.products.appendingPathComponent("Soak").path
        #expect(try Program.run(soak, ["--nope"]).status == 2)
        #expect(try Program.run(soak, ["--filter", "no such race"]).status == 1)
    }
}
