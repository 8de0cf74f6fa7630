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
        let name = [
            ("group", JSONText.string(scenario.group)),
            ("name", JSONText.string(scenario.name)),
            ("about", JSONText.string(scenario.about)),
        ]
        if let comparison = figures.comparison { return JSONText.object(name + members(comparison, measurement)) }
        var members =
            name + [
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

    // MARK: Servers

    private static func members(
        _ comparison: Comparison, _ measurement: Measurement
    ) -> [(name: String, value: String)] {
        let servers = comparison.sides.enumerated().map { index, side in
            server(side, against: index == 0 ? nil : comparison)
        }
        let missing = comparison.missing.map {
            JSONText.object([("name", JSONText.string($0.name)), ("cure", JSONText.string($0.cure))])
        }
        return [
            ("unit", JSONText.string(comparison.unit.rawValue)),
            ("servers", "[" + servers.joined(separator: ",") + "]"),
            ("missing", "[" + missing.joined(separator: ",") + "]"),
            ("aim_ratio", number(measurement.scenario.leastRatio)),
            ("judged_by", JSONText.string(measurement.scenario.judgedBy.rawValue)),
            ("met", measurement.isMet.map { "\($0)" } ?? "null"),
        ]
    }

    /// A server's own figures, and for a peer those of Coro divided by them.
    private static func server(_ side: Comparison.Side, against comparison: Comparison?) -> String {
        var members = [("name", JSONText.string(side.name))]
        for (name, part) in parts {
            members.append((name, spread(side.spread(part), rounds: side.rounds.map { $0[keyPath: part] })))
        }
        members.append(("busy", spread(side.spread(\.busy))))
        if let comparison {
            for (name, part) in parts { members.append(("ratio_\(name)", spread(comparison.ratio(part, to: side)))) }
        }
        return JSONText.object(members)
    }

    private static var parts: [(String, KeyPath<Comparison.Round, Double>)] {
        [("per_second", \.perSecond), ("cpu_ns", \.cpu), ("resident_bytes", \.bytes)]
    }

    private static func spread(_ spread: Spread, rounds: [Double] = []) -> String {
        var members = [
            ("median", number(spread.median)), ("min", number(spread.least)), ("max", number(spread.most)),
        ]
        if !rounds.isEmpty { members.append(("rounds", "[" + rounds.map(number).joined(separator: ",") + "]")) }
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
