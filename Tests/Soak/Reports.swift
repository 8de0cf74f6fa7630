// Failures without a caller, reported by several threads at once.

internal import Coro

extension Scenario {
    static let reports = [
        Scenario("report: three threads report failures") { repetition in
            let before = Reported.count.value
            for thread in 0..<3 {
                repetition.crew.start(thread) {
                    for _ in 0..<10 { Report.failure("A soak failure", Broken(description: "on purpose")) }
                }
            }
            repetition.crew.wait()
            let count = Reported.count.value - before
            try repetition.expect(count == 30, "\(count) of 30 failures arrived")
        }
    ]
}

/// The sink of this process: what coroutines fail with here nobody looks at, and that is the point of some of them.
enum Reported {
    static let count = Tally()

    static func replaceSink() {
        Report.replaceSink { _ in count.add() }
    }
}
