// coro-bench: from the command line to a report. What is measured is in `Scenarios/`.

internal import Console
internal import Coro
internal import Glibc

@main struct Main {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        if let role = Role(words) { role.play() }
        // SIGPIPE keeps its effect: when nobody reads any more, nothing needs to be measured.
        switch CommandLineArguments.parse(words) {
        case .help: Console.print(CommandLineArguments.help)
        case .version: Console.print(ToolVersion.line("coro-bench"))
        case .list(let options): Console.print(TextReport.list(options.scenarios))
        case .wrong(let complaint):
            Console.note("coro-bench: \(complaint)\nTry coro-bench --help.\n")
            exit(2)
        case .measure(let options): exit(measure(options))
        }
    }

    private static func measure(_ options: Options) -> Int32 {
        if options.list == .net { Confinement.begin() }
        let scenarios = options.scenarios
        var results: [Measurement] = []
        var code: Int32 = 0
        let text = TextReport(scenarios, list: options.list)
        if options.report == .text { Console.print(text.head) }
        for (index, scenario) in scenarios.enumerated() {
            let title = "\(index + 1) of \(scenarios.count): \(scenario.key)"
            Progress.show(title)
            do {
                let result = Measurement(scenario: scenario, figures: try measure(scenario, title, options))
                results.append(result)
                Progress.clear()
                if options.report == .text { Console.print(text.row(result)) }
            } catch {
                Progress.clear()
                Console.note("coro-bench: \(scenario.key) failed: \((error as? Complaint)?.text ?? "\(error)")\n")
                code = 1
            }
        }
        if options.report == .json { Console.print(JSONReport.text(results, options)) }
        return code
    }

    /// Measures one scenario on a loop of its own, which this thread runs.
    private static func measure(_ scenario: Scenario, _ title: String, _ options: Options) throws -> Figures {
        let loop = try EventLoop()
        let meter = Meter(loop: loop, title: title, seconds: options.seconds, rounds: options.rounds)
        try loop.runSync { try await scenario.body(meter) }
        try loop.close()
        return meter.figures
    }
}

/// A scenario and what came of it.
struct Measurement: Sendable {
    let scenario: Scenario
    let figures: Figures
}

/// A line on standard error that says how far we are, when somebody watches.
enum Progress {
    static func show(_ text: String) {
        // To the line's beginning, and clear to its end (ECMA-48 EL).
        if Console.isWatched { Console.note("\r\u{1B}[K\(text)") }
    }

    static func clear() { show("") }
}
