// The report as a table, row by row as they come.

/// Writes results for people.
struct TextReport {
    let width: Int
    private let list: ScenarioList

    init(_ scenarios: [Scenario], list: ScenarioList) {
        width = (scenarios.map(\.key.count).max() ?? 0) + 2
        self.list = list
    }

    var head: String {
        let columns =
            switch list {
            case .micro: ["ns", "least", "most", "cpu", "allocs", "bytes", "aim"]
            case .memory: ["count", "heap", "resident", "before", "held", "after", "ns"]
            case .net: TextReport.comparisonColumns
            }
        return TextReport.padded("operation", width) + TextReport.line(columns)
    }

    func row(_ measurement: Measurement) -> String {
        let figures = measurement.figures
        if let comparison = figures.comparison { return rows(comparison, measurement) }
        let cells = figures.weight.map { weight($0, figures) } ?? times(measurement)
        return TextReport.padded(measurement.scenario.key, width) + TextReport.line(cells)
    }

    private func times(_ measurement: Measurement) -> [String] {
        let figures = measurement.figures
        var cells = [figures.median, figures.least, figures.most, figures.cpu].map { TextReport.number($0) }
        cells.append(figures.allocations.map { TextReport.number($0, digits: 2) } ?? "-")
        cells.append(figures.bytes.map { TextReport.number($0) } ?? "-")
        cells.append(measurement.scenario.aim.map { TextReport.number($0) } ?? "-")
        if let isMet = measurement.isMet { cells.append(isMet ? "met" : "missed") }
        return cells
    }

    private func weight(_ weight: Figures.Weight, _ figures: Figures) -> [String] {
        let each = [weight.heapEach, weight.residentEach].map { TextReport.number($0) }
        let resident = [weight.residentBefore, weight.residentHeld, weight.residentAfter].map {
            TextReport.number($0 / 1e6, digits: 1) + " MB"
        }
        return ["\(weight.count)"] + each + resident + [TextReport.number(figures.median)]
    }

    /// The scenarios themselves.
    static func list(_ scenarios: [Scenario]) -> String {
        scenarios.map { scenario in
            let aim = scenario.aim.map { " [aim \(number($0)) ns]" } ?? ""
            let judge = scenario.judgedBy == .rate ? "a peer's rate" : "what a peer does with its CPU time"
            let ratio = scenario.leastRatio.map { " [aim \(number($0, digits: 2)) of \(judge)]" } ?? ""
            return "\(scenario.key)\(aim)\(ratio)\n    \(scenario.about)\n"
        }.joined()
    }

    // MARK: Cells

    /// With one digit after the point below a hundred, or as many as asked for.
    static func number(_ value: Double, digits: Int? = nil) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        let digits = digits ?? (value < 100 ? 1 : 0)
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((value * scale).rounded())
        guard digits > 0 else { return "\(scaled)" }
        let fraction = "\(abs(scaled) % Int(scale))"
        let zeros = String(repeating: "0", count: digits - fraction.count)
        let text = "\(scaled / Int(scale)).\(zeros)\(fraction)"
        // An aim is a whole number and reads better as one.
        return digits == 1 && text.hasSuffix(".0") && value == value.rounded() ? String(text.dropLast(2)) : text
    }

    static func line(_ cells: [String]) -> String { cells.map { right($0, 10) }.joined() + "\n" }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}

extension Measurement {
    /// Whether the aim is reached; nil where there is none.
    ///
    /// On one thread that never sleeps CPU time is what an idle machine would show as wall time, and does not change when
    /// the machine has other things to do.
    var isMet: Bool? {
        if let leastRatio = scenario.leastRatio {
            return figures.comparison?.leastRatio(by: scenario.judgedBy).map { $0 >= leastRatio }
        }
        return scenario.aim.map { (scenario.crossesThreads ? figures.median : figures.cpu) <= $0 }
    }
}
