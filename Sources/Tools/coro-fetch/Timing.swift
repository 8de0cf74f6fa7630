// --timing: where the time went, drawn to scale.

import Coro
import Http

enum Timing {
    private static let width = 40.0

    /// A waterfall of the last request of a transfer; nil when there was no answer.
    static func drawing(of report: TransferReport) -> String? {
        guard let response = report.response else { return nil }
        let timings = response.timings
        let steps: [(name: String, end: Duration)] = [
            ("redirects", timings.redirected), ("queue", timings.queued), ("resolve", timings.resolved),
            ("connect", timings.connected), ("tls", timings.secured), ("send", timings.sent),
            ("wait", timings.answered), ("receive", report.total),
        ]
        let total = max(report.total / .seconds(1), 1e-9)
        var begin = Duration.zero
        var lines = [summary(report, response)]
        for (name, end) in steps {
            let duration = end - begin
            defer { begin = end }
            if name == "redirects" && response.redirectCount == 0 || name == "tls" && response.tls == nil { continue }
            let from = Int((begin / .seconds(1)) / total * width)
            let upTo = Int((end / .seconds(1)) / total * width)
            let bar = duration > .zero ? String(repeating: "█", count: max(upTo - from, 1)) : ""
            let indent = String(repeating: " ", count: from + 2)
            lines.append(Usage.padded("  \(name)", to: 12) + milliseconds(duration) + indent + bar)
        }
        lines.append(Usage.padded("  total", to: 12) + milliseconds(report.total))
        return lines.joined(separator: "\n") + "\n"
    }

    private static func summary(_ report: TransferReport, _ response: HTTPClient.Response) -> String {
        let connection = response.isConnectionReused ? "connection used again" : "new connection"
        return "\(report.effectiveURL): \(response.status), \(report.sizeDownload) bytes from "
            + "\(response.remoteAddress?.description ?? "?") (\(connection))"
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let micros = Int(duration / .microseconds(1))
        let fraction = String(micros % 1000)
        let text = "\(micros / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction) ms"
        return String(repeating: " ", count: max(0, 14 - text.count)) + text
    }
}
