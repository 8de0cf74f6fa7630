// What went wrong, as one line for people: the number, the cause, and what to do about it.

import Coro
import Glibc
import Http

/// A reason to end with another exit code than 0.
struct Failure: Error {
    let code: ExitCode
    var message: String
    var hint: String?
    /// The number that OpenSSL has for what is wrong with the server's certificate, for -w; nil when that was not why.
    var verifyResult: Int?
    /// Said by the exit code alone: whoever closed our standard output does not wait for our complaints.
    var isQuiet = false

    init(_ code: ExitCode, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// The failure that an error of a transfer amounts to.
    init(_ error: any Error, host: String) {
        switch error {
        case let failure as Failure: self = failure
        case let error as HTTPClientError: self.init(error, host: host)
        case let error as IOError: self.init(.failedToStart, error.description)
        default: self.init(.couldNotReceive, "\(error)")
        }
    }

    /// A call that failed with errno.
    static func system(_ code: ExitCode, _ what: String, errno number: Int32 = errno) -> Failure {
        Failure(code, "\(what): \(String(cString: strerror(number)))")
    }

    private init(_ error: HTTPClientError, host: String) {
        let sentence = error.description
        switch error {
        case .malformedURL:
            self.init(.malformedURL, sentence, hint: "Quote URLs in the shell, and write a space as %20.")
        case .unsupportedScheme("https"):
            self.init(.notBuiltIn, sentence)
        case .unsupportedScheme:
            self.init(.unsupportedScheme, sentence, hint: "coro-fetch speaks http and https.")
        case .tls(let error): self.init(error, host: host)
        case .malformedRequest:
            self.init(.failedToStart, sentence, hint: "Look at -H, -X, -A and -u for line breaks and other controls.")
        case .resolve:
            self.init(.couldNotResolve, sentence, hint: "Is the name spelled right, and the network up?")
        case .connect(let failures):
            self.init(.couldNotConnect, sentence, hint: Failure.connectHint(failures.last?.error.code, host))
        case .timeout(.connect), .timeout(.resolve), .timeout(.tls):
            self.init(
                .timedOut, "\(sentence) (\(host))",
                hint: "Give it longer with --connect-timeout SECONDS or -m SECONDS.")
        case .timeout:
            self.init(.timedOut, "\(sentence) (\(host))", hint: "Give it longer with -m SECONDS.")
        case .sendFailed: self.init(.couldNotSend, sentence)
        case .receiveFailed: self.init(.couldNotReceive, sentence)
        case .closedWithoutAnswer, .malformedResponse(.notHTTP):
            let code = if case .closedWithoutAnswer = error { ExitCode.emptyAnswer } else { ExitCode.strangeAnswer }
            self.init(code, sentence, hint: "Is \(host) an HTTP server? It may speak https only.")
        case .malformedResponse(.truncatedHead): self.init(.truncated, sentence)
        case .malformedResponse(let fault): self.init(fault.isInBody ? .couldNotReceive : .strangeAnswer, sentence)
        case .tooManyInterimAnswers, .unaskedUpgrade: self.init(.strangeAnswer, sentence)
        case .truncated:
            self.init(.truncated, sentence, hint: "The output is incomplete.")
        case .tooManyRedirects:
            self.init(.tooManyRedirects, sentence, hint: "Look at them with -v, or allow more with --max-redirs N.")
        }
    }

    private static func connectHint(_ code: Int32?, _ host: String) -> String {
        switch code {
        case ECONNREFUSED: "Is the server running, and is this its port?"
        case ENETUNREACH, EHOSTUNREACH: "Is the network up?"
        default: "Is \(host) the right host?"
        }
    }

    /// The line on standard error.
    var line: String {
        // A sentence ends with one full stop, wherever it came from.
        let sentence = message.hasSuffix(".") || message.hasSuffix("?") ? message : message + "."
        return "coro-fetch: (\(code.rawValue)) \(sentence)\(hint.map { " " + $0 } ?? "")"
    }
}

extension WireError {
    /// Whether the head was sound and the framing of the body is not, which has a number of its own with curl.
    fileprivate var isInBody: Bool {
        switch self {
        case .invalidChunkSize, .chunkSizeOverflow, .invalidChunkExtension, .chunkLineTooLong, .missingChunkEnd,
            .chunkOverhead, .trailersTooLarge:
            true
        default: false
        }
    }
}
