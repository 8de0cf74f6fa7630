// A comparison as rows of the table: one for each server, Coro's first, and its part of each peer's figures beside them.

extension TextReport {
    static let comparisonColumns = [
        "server", "per s", "cpu ns", "busy", "bytes", "ratio", "least", "most", "cpu ratio", "aim",
    ]

    func rows(_ comparison: Comparison, _ measurement: Measurement) -> String {
        var text = ""
        for (index, side) in comparison.sides.enumerated() {
            let key = index == 0 ? measurement.scenario.key : ""
            let own = [
                TextReport.short(side.spread(\.perSecond).median), TextReport.fine(side.spread(\.cpu).median),
                percent(side.spread(\.busy).median), TextReport.number(side.spread(\.bytes).median),
            ]
            let cells = [side.name] + own + (index == 0 ? aim(measurement) : ratios(comparison, to: side))
            text += TextReport.padded(key, width) + TextReport.line(cells)
        }
        for peer in comparison.missing {
            let cells = TextReport.line([peer.name]).dropLast()
            text += TextReport.padded("", width) + cells + " is missing: \(peer.cure)\n"
        }
        return text
    }

    /// Behind the columns that only peers have.
    private func aim(_ measurement: Measurement) -> [String] {
        guard let aim = measurement.scenario.leastRatio else { return [] }
        let verdict = measurement.isMet.map { $0 ? "met" : "missed" } ?? "no peer"
        let figure = measurement.scenario.judgedBy.rawValue
        return ["", "", "", "", "\(figure) \(TextReport.number(aim, digits: 2))", verdict]
    }

    private func ratios(_ comparison: Comparison, to peer: Comparison.Side) -> [String] {
        let rate = comparison.ratio(\.perSecond, to: peer)
        let main = rate.median.isFinite ? rate : comparison.ratio(\.bytes, to: peer)
        return [main.median, main.least, main.most, comparison.ratio(\.cpu, to: peer).median].map {
            TextReport.number($0, digits: 2)
        }
    }

    /// Three figures and k, M or G.
    private static func short(_ value: Double) -> String {
        for (unit, scale) in [("G", 1e9), ("M", 1e6), ("k", 1e3)] where value >= scale {
            let scaled = value / scale
            return number(scaled, digits: scaled < 10 ? 2 : scaled < 100 ? 1 : 0) + unit
        }
        return number(value)
    }

    private func percent(_ part: Double) -> String {
        part.isFinite ? TextReport.number(100 * part, digits: 0) + "%" : "-"
    }

    /// Enough digits for what a byte takes.
    private static func fine(_ value: Double) -> String { number(value, digits: value < 10 ? 3 : 0) }
}
