// What the command line asked for. Spellings and meanings are curl's; `CommandOption` has the list.

import Http

/// One run of coro-fetch.
struct Options {
    var urls: [String] = []

    // Request
    var method: String?
    var fields: [String] = []
    var data: [UInt8]?
    var isJSON = false
    var userAgent: String?
    var referer: String?
    var cookie: String?
    var credentials: String?
    var asksHeadOnly = false

    // Behaviour
    var followsRedirects = false
    var maxRedirects = 50
    var timeout: Duration?
    var connectTimeout = Duration.seconds(30)
    var parallelMax = 50
    var failsOnStatus = false
    var keepsFailedBody = false

    // Connection
    var tls = TLSOptions()
    var resolving = Resolving()

    // Output
    var outputs: [Output] = []
    var includesHeads = false
    var isVerbose = false
    var isSilent = false
    var showsErrors = false
    var showsTiming = false
    var writeOut: String?

    /// Where one body goes.
    enum Output: Equatable {
        case standardOutput
        case file(String)
        /// The last part of the URL's path.
        case remoteName
    }

    /// Where the body of the URL at `index` goes: `-o` and `-O` are handed out in order, as curl does.
    func output(at index: Int) -> Output { index < outputs.count ? outputs[index] : .standardOutput }

    /// Whether failures are told on standard error.
    var tellsFailures: Bool { !isSilent || showsErrors }

    mutating func addData(_ bytes: [UInt8]) {
        // curl: several -d are joined as the fields of a form are.
        data = data.map { $0 + [UInt8(ascii: "&")] + bytes } ?? bytes
    }
}
