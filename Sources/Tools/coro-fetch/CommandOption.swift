// The table of options: the parser reads it, and so does the help.

/// One option: its spellings, what it takes, what it says in the help, and what it does.
struct CommandOption {
    let short: Character?
    let long: String
    /// The name of its argument in the help; nil for an option that takes none.
    let argument: String?
    let help: String
    let apply: (inout Options, String) throws -> Void

    private init(
        _ short: Character?, _ long: String, _ argument: String? = nil, _ help: String,
        _ apply: @escaping (inout Options, String) throws -> Void
    ) {
        self.short = short
        self.long = long
        self.argument = argument
        self.help = help
        self.apply = apply
    }

    /// All options, in the order of the help.
    static var all: [CommandOption] { request + behaviour + output }

    static var request: [CommandOption] {
        [
            CommandOption("X", "request", "METHOD", "Use this method") { $0.method = $1 },
            CommandOption("H", "header", "LINE", "Send this field: 'Name: value'; 'Name:' takes a default away") {
                $0.fields.append($1)
            },
            CommandOption("d", "data", "DATA", "POST this; @FILE and @- (standard input) without line breaks") {
                $0.addData(try Upload.data($1, keepsLineBreaks: false))
            },
            CommandOption(nil, "data-binary", "DATA", "POST this; @FILE as it is") {
                $0.addData(try Upload.data($1, keepsLineBreaks: true))
            },
            CommandOption(nil, "data-raw", "DATA", "POST this; an @ means itself") { $0.addData(Array($1.utf8)) },
            CommandOption(nil, "json", "DATA", "POST this as JSON; @FILE as it is") {
                $0.isJSON = true
                $0.addData(try Upload.data($1, keepsLineBreaks: true))
            },
            CommandOption("I", "head", nil, "Ask for the head only, and show it") { options, _ in
                options.asksHeadOnly = true
            },
            CommandOption("u", "user", "USER:PASSWORD", "Authenticate (basic)") { options, value in
                guard value.contains(":") else { throw Failure(.failedToStart, "-u wants USER:PASSWORD") }
                options.credentials = value
            },
            CommandOption("A", "user-agent", "NAME", "Send this User-Agent") { $0.userAgent = $1 },
            CommandOption("e", "referer", "URL", "Send this Referer") { $0.referer = $1 },
            CommandOption("b", "cookie", "DATA", "Send this Cookie: 'a=b; c=d'") { $0.cookie = $1 },
            CommandOption(nil, "url", "URL", "Fetch this URL too") { $0.urls.append($1) },
        ]
    }

    static var behaviour: [CommandOption] {
        [
            CommandOption("L", "location", nil, "Follow redirects") { options, _ in options.followsRedirects = true },
            CommandOption(nil, "max-redirs", "N", "Follow at most N (50; -1: no limit)") {
                $0.maxRedirects = try Number.redirects($1, "--max-redirs")
            },
            CommandOption("m", "max-time", "SECONDS", "Give each URL this long in all (no limit)") {
                $0.timeout = try Number.seconds($1, "-m")
            },
            CommandOption(nil, "connect-timeout", "SECONDS", "Give looking up and connecting this long (30)") {
                $0.connectTimeout = try Number.seconds($1, "--connect-timeout")
            },
            CommandOption(nil, "parallel-max", "N", "Fetch at most N URLs at a time (50)") {
                $0.parallelMax = try Number.count($1, "--parallel-max")
            },
            CommandOption("Z", "parallel", nil, "Accepted for curl's sake: URLs are always fetched in parallel") {
                _, _ in
            },
            CommandOption("f", "fail", nil, "Exit 22 and write no body when the status is 400 or above") { options, _ in
                options.failsOnStatus = true
            },
            CommandOption(nil, "fail-with-body", nil, "The same, but write the body") { options, _ in
                options.failsOnStatus = true
                options.keepsFailedBody = true
            },
        ]
    }

    static var output: [CommandOption] {
        [
            CommandOption("o", "output", "FILE", "Write the body to FILE; once for each URL, in order") {
                $0.outputs.append($1 == "-" ? .standardOutput : .file($1))
            },
            CommandOption("O", "remote-name", nil, "Write the body to a file named as in the URL; once for each URL") {
                options, _ in options.outputs.append(.remoteName)
            },
            CommandOption("i", "include", nil, "Write heads too") { options, _ in options.includesHeads = true },
            CommandOption("v", "verbose", nil, "Tell on standard error what is sent and received") { options, _ in
                options.isVerbose = true
            },
            CommandOption("s", "silent", nil, "Do not tell failures") { options, _ in options.isSilent = true },
            CommandOption("S", "show-error", nil, "With -s: tell failures all the same") { options, _ in
                options.showsErrors = true
            },
            CommandOption("w", "write-out", "FORMAT", "Then write this: '%{http_code} %{time_total}\\n'") {
                $0.writeOut = try WriteOut.format($1)
            },
            CommandOption(nil, "timing", nil, "Then draw on standard error where the time went") { options, _ in
                options.showsTiming = true
            },
            CommandOption(nil, "no-progress-meter", nil, "Accepted for curl's sake: there is no meter") { _, _ in },
        ]
    }
}
