// The report as one JSON object, for scripts. Keys are stable; new ones may come.

internal import Console
internal import Glibc

enum JSONReport {
    static func text(_ results: [Measurement], _ options: Options) -> String {
        JSONText.object([
            ("tool", JSONText.string("coro-bench")),
            ("version", JSONText.string(ToolVersion.current)),
            ("swift", JSONText.string(Machine.swift)),
            ("optimised", "\(Machine.isOptimised)"),
            ("machine", machine),
            ("list", JSONText.string(options.list.rawValue)),
            ("seconds", number(options.seconds)),
            ("rounds", "\(options.rounds)"),
            ("results", "[" + results.map(object).joined(separator: ",") + "]"),
        ]) + "\n"
    }

    private static func object(_ result: Measurement) -> String {
        let figures = result.figures
        return JSONText.object([
            ("group", JSONText.string(result.scenario.group)),
            ("name", JSONText.string(result.scenario.name)),
            ("about", JSONText.string(result.scenario.about)),
            ("operations", number(figures.operations)),
            ("ns_median", number(figures.median)),
            ("ns_min", number(figures.least)),
            ("ns_max", number(figures.most)),
            ("ns_cpu", number(figures.cpu)),
            ("ns_rounds", "[" + figures.wall.map(number).joined(separator: ",") + "]"),
            ("allocations", number(figures.allocations)),
            ("bytes", number(figures.bytes)),
            ("aim_ns", number(result.scenario.aim)),
            ("met", result.isMet.map { "\($0)" } ?? "null"),
        ])
    }

    private static var machine: String {
        JSONText.object([
            ("system", JSONText.string(Machine.system)),
            ("architecture", JSONText.string(Machine.architecture)),
            ("processor", JSONText.string(Machine.processor)),
            ("cores", "\(Machine.cores)"),
        ])
    }

    /// Nothing, infinity and not-a-number are null: JSON has no words for them.
    private static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "null" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
