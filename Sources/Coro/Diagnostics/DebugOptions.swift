// CORO_DEBUG: diagnostics for a program as it is, without a line of code.
//
//     CORO_DEBUG=slow=20ms,block=1s,tasks
//
//     options  = option *("," option)
//     option   = "slow=" duration     report each callback, job, timer or handler that takes longer
//              / "block=" duration    report, while it lasts, an iteration that takes longer
//              / "tasks"              dump all tasks of the first loop that runs, on SIGQUIT and SIGUSR1
//     duration = number unit          number: digits, with a fraction if you like; unit: ns, us, ms, s, m
//
// Read once, when the process makes its first loop; it holds for every loop. What cannot be read is reported once, and
// the rest holds.

/// What CORO_DEBUG asks for.
struct DebugOptions: Equatable, Sendable {
    var slow: Duration?
    var block: Duration?
    var dumpsTasks = false
    /// The options that could not be read, as they were written.
    var unreadable: [String] = []

    init() {}

    init(parsing text: String) {
        for option in text.split(separator: ",") {
            let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].trimmed
            let limit = parts.count == 2 ? Duration(parsing: parts[1].trimmed) : nil
            switch (name, limit) {
            case ("slow", let limit?): slow = limit
            case ("block", let limit?): block = limit
            case ("tasks", nil) where parts.count == 1: dumpsTasks = true
            default: unreadable.append(String(option.trimmed))
            }
        }
    }
}

/// A part of CORO_DEBUG that means nothing.
struct UnreadableOption: Error, Equatable, CustomStringConvertible {
    let option: String

    var description: String {
        "“\(option)” is none of slow=DURATION, block=DURATION, tasks; a DURATION is like 20ms, 1.5s, 250us."
    }
}

extension Duration {
    /// Reads "20ms", "1.5s", "250us"; nil when that is not what it says, or it is not more than zero.
    init?(parsing text: Substring) {
        let digits: ClosedRange<Character> = "0"..."9"
        let whole = text.prefix { digits.contains($0) }
        var rest = text.dropFirst(whole.count)
        var fraction: Substring = ""
        if rest.first == "." {
            fraction = rest.dropFirst().prefix { digits.contains($0) }
            rest = rest.dropFirst(1 + fraction.count)
        }
        let units: [Substring: Int64] = [
            "ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000,
        ]
        // As one integer and a power of ten: "1.5" is 15 tenths. Eight places and nine, and nothing overflows.
        guard let unit = units[rest], !whole.isEmpty, whole.count <= 8, fraction.count <= 9,
            let count = Int64(whole + fraction), count > 0
        else { return nil }
        let tenths = repeatElement(Int64(10), count: fraction.count).reduce(1, *)
        let nanoseconds = count.multipliedFullWidth(by: unit)
        let (quotient, _) = tenths.dividingFullWidth(nanoseconds)
        guard quotient > 0 else { return nil }
        self = .nanoseconds(quotient)
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return text
    }
}
