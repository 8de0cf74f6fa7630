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

    private static func object(_ measurement: Measurement) -> String {
        let scenario = measurement.scenario
        let figures = measurement.figures
        var members = [
            ("group", JSONText.string(scenario.group)),
            ("name", JSONText.string(scenario.name)),
            ("about", JSONText.string(scenario.about)),
            ("operations", number(figures.operations)),
            ("ns_median", number(figures.median)),
            ("ns_min", number(figures.least)),
            ("ns_max", number(figures.most)),
            ("ns_cpu", number(figures.cpu)),
            ("ns_rounds", "[" + figures.wall.map(number).joined(separator: ",") + "]"),
            ("allocations", number(figures.allocations)),
            ("bytes", number(figures.bytes)),
            ("aim_ns", number(scenario.aim)),
            ("met", measurement.isMet.map { "\($0)" } ?? "null"),
        ]
        if let weight = figures.weight {
            members += [
                ("count", "\(weight.count)"),
                ("heap_bytes_each", number(weight.heapEach)),
                ("resident_bytes_each", number(weight.residentEach)),
                ("resident_before", number(weight.residentBefore)),
                ("resident_held", number(weight.residentHeld)),
                ("resident_after", number(weight.residentAfter)),
            ]
        }
        return JSONText.object(members)
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
