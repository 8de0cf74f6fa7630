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
    static var all: [CommandOption] { request + behaviour + connection + output }

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

    static var connection: [CommandOption] {
        [
            CommandOption("k", "insecure", nil, "https: take any certificate; others may read and change everything") {
                options, _ in options.tls.isInsecure = true
            },
            CommandOption(nil, "cacert", "FILE", "https: trust the authorities in FILE (PEM), and no others") {
                $0.tls.authorityFile = $1
            },
            CommandOption(nil, "capath", "DIR", "https: trust those in DIR, named by hash; adds to --cacert") {
                $0.tls.authorityDirectory = $1
            },
            CommandOption(nil, "crlfile", "FILE", "https: refuse what is revoked by FILE (PEM), lists of all issuers") {
                $0.tls.revocationFile = $1
            },
            CommandOption("E", "cert", "FILE[:PASSWORD]", "https: show the server this certificate (PEM)") {
                ($0.tls.certificateFile, $0.tls.certificatePassword) = TLSOptions.split(certificate: $1)
            },
            CommandOption(nil, "key", "FILE", "https: its key, if that is not in the same file") {
                $0.tls.keyFile = $1
            },
            CommandOption(nil, "pass", "PASSWORD", "https: what the key is encrypted with") { $0.tls.password = $1 },
            CommandOption(nil, "tlsv1.2", nil, "https: TLS 1.2 or later (the default)") { options, _ in
                options.tls.isAtLeast13 = false
            },
            CommandOption(nil, "tlsv1.3", nil, "https: TLS 1.3 or later") { options, _ in
                options.tls.isAtLeast13 = true
            },
            CommandOption(nil, "tls-max", "VERSION", "https: TLS 1.2 or 1.3 at most") {
                $0.tls.isAtMost12 = try TLSOptions.isAtMost12($1)
            },
            CommandOption(nil, "resolve", "HOST:PORT:ADDRESS", "Take ADDRESS[,ADDRESS] for HOST (* for any) at PORT") {
                try $0.resolving.add($1)
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
