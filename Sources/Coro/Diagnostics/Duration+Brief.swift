// Durations as people read them in a report: three digits and a unit.

extension Duration {
    /// "35 ms", "1.25 s", "850 µs".
    var brief: String {
        let nanoseconds = clampedNanoseconds
        let magnitude = nanoseconds.magnitude
        // The limits are where rounding to three digits would carry into the next unit.
        let (unit, name): (UInt64, String) =
            switch magnitude {
            case ..<1_000: (1, "ns")
            case ..<999_500: (1_000, "µs")
            case ..<999_500_000: (1_000_000, "ms")
            default: (1_000_000_000, "s")
            }
        return (nanoseconds < 0 ? "-" : "") + Duration.threeDigits(magnitude, unit) + " " + name
    }

    private static func threeDigits(_ magnitude: UInt64, _ unit: UInt64) -> String {
        // Whole units from a hundred on, tenths from ten on, else hundredths.
        let decimals: UInt64 = unit == 1 || magnitude >= 100 * unit ? 1 : magnitude >= 10 * unit ? 10 : 100
        let step = unit / decimals
        let rounded = magnitude / step + (magnitude % step >= (step + 1) / 2 ? 1 : 0)
        let fraction = rounded % decimals
        guard fraction > 0 else { return "\(rounded / decimals)" }
        var digits = String(fraction + decimals).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(rounded / decimals).\(digits)"
    }
}
