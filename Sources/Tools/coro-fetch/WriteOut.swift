// The little language of -w.

import Coro
import Http

enum WriteOut {
    /// The format an argument means: itself, or with an @ the file it names.
    static func format(_ argument: String) throws -> String {
        guard argument.hasPrefix("@") else { return argument }
        return String(decoding: try Upload.contents(of: String(argument.dropFirst())), as: UTF8.self)
    }

    /// The text that `format` makes of a transfer. An unknown variable is nothing, as with curl.
    static func render(_ format: String, _ report: TransferReport) -> String {
        var text = ""
        var rest = Substring(format)
        while let character = rest.popFirst() {
            switch character {
            case "\\": text += escape(&rest)
            case "%" where rest.first == "%":
                rest.removeFirst()
                text += "%"
            case "%" where rest.first == "{":
                rest.removeFirst()
                if let name = word(&rest) { text += value(of: name, report) }
            case "%" where rest.hasPrefix("header{"):
                rest.removeFirst("header{".count)
                if let name = word(&rest) { text += report.response?.fields[name] ?? "" }
            default: text.append(character)
            }
        }
        return text
    }

    /// Up to the closing brace.
    private static func word(_ rest: inout Substring) -> String? {
        guard let end = rest.firstIndex(of: "}") else { return nil }
        defer { rest = rest[rest.index(after: end)...] }
        return String(rest[..<end])
    }

    private static func escape(_ rest: inout Substring) -> String {
        switch rest.popFirst() {
        case "n": "\n"
        case "r": "\r"
        case "t": "\t"
        case "\\": "\\"
        case let other?: "\\\(other)"
        case nil: "\\"
        }
    }

    private static func value(of name: String, _ report: TransferReport) -> String {
        variables.first { $0.name == name }?.value(report) ?? ""
    }

    static var names: [String] { variables.map(\.name) }

    private struct Variable {
        let name: String
        let value: (TransferReport) -> String
    }

    private static var variables: [Variable] {
        let status: (TransferReport) -> String = { report in
            let code = report.response.map { String($0.status.code) } ?? ""
            return String(repeating: "0", count: 3 - code.count) + code
        }
        return [
            Variable(name: "http_code", value: status),
            Variable(name: "response_code", value: status),
            Variable(name: "url", value: \.url),
            Variable(name: "urlnum") { String($0.index) },
            Variable(name: "url_effective", value: \.effectiveURL),
            Variable(name: "method", value: \.method),
            Variable(name: "scheme") { $0.effectiveURL.hasPrefix("https:") ? "HTTPS" : "HTTP" },
            Variable(name: "http_version") { $0.response.map { $0.version == .http11 ? "1.1" : "1.0" } ?? "0" },
            Variable(name: "content_type") { $0.response?.fields["Content-Type"] ?? "" },
            Variable(name: "num_redirects") { String($0.response?.redirectCount ?? 0) },
            Variable(name: "redirect_url", value: redirectURL),
            Variable(name: "num_connects") { String($0.connectCount) },
            Variable(name: "num_headers") { String($0.response?.fields.count ?? 0) },
            Variable(name: "size_download") { String($0.sizeDownload) },
            Variable(name: "size_upload") { String($0.sizeUpload) },
            Variable(name: "size_header") { String($0.sizeHeader) },
            Variable(name: "size_request") { String($0.sizeRequest + $0.sizeUpload) },
            Variable(name: "speed_download", value: speed),
            Variable(name: "time_namelookup") { seconds($0.timings?.resolved) },
            Variable(name: "time_connect") { seconds($0.timings?.connected) },
            Variable(name: "time_appconnect") { $0.response?.tls == nil ? seconds(nil) : seconds($0.timings?.secured) },
            Variable(name: "time_pretransfer") { seconds($0.timings?.secured) },
            Variable(name: "time_starttransfer") { seconds($0.timings?.answered) },
            Variable(name: "time_redirect") { seconds($0.timings?.redirected) },
            Variable(name: "time_total") { seconds($0.total) },
            Variable(name: "remote_ip") { $0.response?.remoteAddress?.host ?? "" },
            Variable(name: "remote_port") { String($0.response?.remoteAddress?.port ?? 0) },
            Variable(name: "local_ip") { $0.response?.localAddress?.host ?? "" },
            Variable(name: "local_port") { String($0.response?.localAddress?.port ?? 0) },
            Variable(name: "ssl_verify_result") { String($0.verifyResult) },
            Variable(name: "filename_effective", value: \.fileName),
            Variable(name: "exitcode") { String($0.failure?.code.rawValue ?? 0) },
            Variable(name: "errormsg") { $0.failure?.message ?? "" },
        ]
    }

    private static func redirectURL(_ report: TransferReport) -> String {
        guard let response = report.response, response.status.category == .redirection,
            let location = response.fields["Location"]
        else { return "" }
        return (try? response.url.resolve(location))?.description ?? location
    }

    private static func speed(_ report: TransferReport) -> String {
        let seconds = report.total / .seconds(1)
        return String(Int(seconds > 0 ? Double(report.sizeDownload) / seconds : 0))
    }

    /// As curl prints them: seconds with six places.
    private static func seconds(_ duration: Duration?) -> String {
        let micros = Int((duration ?? .zero) / .microseconds(1))
        let fraction = String(micros % 1_000_000)
        return "\(micros / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }
}
