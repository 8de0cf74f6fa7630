// The numbers curl gives them, so that scripts need not be rewritten. A test keeps this table and the help's the same.

/// How the process ends.
enum ExitCode: Int32, CaseIterable {
    case ok = 0
    case unsupportedScheme = 1
    case failedToStart = 2
    case malformedURL = 3
    case notBuiltIn = 4
    case couldNotResolve = 6
    case couldNotConnect = 7
    case strangeAnswer = 8
    case truncated = 18
    case statusIsFailure = 22
    case couldNotWrite = 23
    case couldNotRead = 26
    case timedOut = 28
    case handshakeFailed = 35
    case tooManyRedirects = 47
    case emptyAnswer = 52
    case couldNotSend = 55
    case couldNotReceive = 56
    case unusableCertificate = 58
    case untrustedCertificate = 60
    case unusableAuthorities = 77
    case unusableRevocationLists = 82
    case interrupted = 130

    /// What it means, as the help says it.
    var meaning: String {
        switch self {
        case .ok: "every URL was fetched"
        case .unsupportedScheme: "the scheme is not supported"
        case .failedToStart: "the command line is wrong, or the program could not start"
        case .malformedURL: "the URL is malformed"
        case .notBuiltIn: "a feature (https) is not built in"
        case .couldNotResolve: "the host's name could not be resolved"
        case .couldNotConnect: "the host could not be connected to"
        case .strangeAnswer: "the answer is not HTTP, or breaks its rules"
        case .truncated: "the answer was cut short: what was written is not all"
        case .statusIsFailure: "with -f: the status was 400 or above"
        case .couldNotWrite: "the output could not be written"
        case .couldNotRead: "a file to send could not be read"
        case .timedOut: "the time given with -m or --connect-timeout was up"
        case .handshakeFailed: "the connection could not be made secure (TLS)"
        case .tooManyRedirects: "more redirects than --max-redirs"
        case .emptyAnswer: "the server closed the connection without an answer"
        case .couldNotSend: "the request could not be sent"
        case .couldNotReceive: "the answer could not be received, or its chunks are malformed"
        case .unusableCertificate: "the certificate of --cert, or its key, cannot be used"
        case .untrustedCertificate: "the server's certificate is not to be trusted"
        case .unusableAuthorities: "the authorities of --cacert or --capath cannot be used"
        case .unusableRevocationLists: "the revocation lists of --crlfile cannot be used"
        case .interrupted: "interrupted (Ctrl-C)"
        }
    }
}
