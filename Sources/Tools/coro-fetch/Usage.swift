// The help, made from the tables that the program itself goes by.

import Console

enum Usage {
    static let version = """
        \(ToolVersion.line("coro-fetch"))\(TLSOptions.isBuiltIn ? "Protocols: http https" : "Protocols: http\nNot built in: https")

        """

    static var help: String {
        """
        Usage: coro-fetch [OPTION]... URL...

        Fetches all URLs at the same time. Bodies go to standard output in the order of the arguments, everything
        else to standard error. A URL without a scheme means http://, and :8000/x means http://localhost:8000/x.

        Examples:
          coro-fetch http://localhost:8000/                         show a page
          coro-fetch -sSf -o page.html http://localhost:8000/       save it; fail on 404, tell why
          coro-fetch -OO :8000/a.txt :8000/b.txt                    save two files under their own names
          coro-fetch -L -i localhost:8000/old                       follow redirects and show every head
          coro-fetch -d name=Ada -d age=36 localhost:8000/form      send a form
          coro-fetch --json '{"x": 1}' -X PUT localhost:8000/api    send JSON
          coro-fetch -s -o /dev/null -w '%{http_code} %{time_total}\\n' localhost:8000
          coro-fetch --timing -o /dev/null localhost:8000           see where the time goes
          coro-fetch --cacert ours.pem https://localhost:8443/      trust a certificate of your own

        Request:
        \(lines(CommandOption.request))
        Behaviour:
        \(lines(CommandOption.behaviour))
        Connection:
        \(lines(CommandOption.connection))
        Output:
        \(lines(CommandOption.output))
          -h, --help                         Show this
          -V, --version                      Show the version

        Variables of -w:
        \(wrapped(WriteOut.names))
          %header{NAME} is a field of the answer, \\n \\r \\t \\\\ and %% are what they look like.

        Exit codes (curl's; with many URLs, that of the first one that failed):
        \(ExitCode.allCases.map(line).joined(separator: "\n"))

        """
    }

    private static func lines(_ options: [CommandOption]) -> String {
        options.map { option in
            let short = option.short.map { "-\($0), " } ?? "    "
            let spelling = "  \(short)--\(option.long)\(option.argument.map { " " + $0 } ?? "")"
            return padded(spelling, to: 37) + option.help
        }.joined(separator: "\n") + "\n"
    }

    private static func line(_ code: ExitCode) -> String {
        let number = String(code.rawValue)
        return String(repeating: " ", count: 5 - number.count) + number + "  " + code.meaning
    }

    private static func wrapped(_ names: [String]) -> String {
        var lines = [" "]
        for name in names {
            if lines[lines.count - 1].count + name.count > 100 { lines.append(" ") }
            lines[lines.count - 1] += " " + name
        }
        return lines.joined(separator: "\n")
    }

    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
