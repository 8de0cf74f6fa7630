// Why a fetch failed, by what the caller can do about it.

public import Coro
public import CoroTLS
public import HttpWire

/// Why a fetch brought no answer, or a body did not come whole.
public enum HTTPClientError: Error, Sendable, CustomStringConvertible {
    /// The URL, or the one a redirect points to, is none. Nothing was sent there.
    case malformedURL(HTTPURL.Malformed)
    /// The scheme is not spoken: neither `http` nor `https`, or `https` in a build without TLS.
    case unsupportedScheme(String)
    /// The request holds what cannot be sent, a line break in a field for one. Nothing was sent.
    case malformedRequest(WireError)
    /// The host's name has no address.
    case resolve(ResolveError)
    /// No address of the host could be connected to: each that was tried, in the order in which they failed. At least one.
    case connect([ConnectError.Failure])
    /// The connection could not be made secure: the server's certificate is not to be trusted, the two sides could not
    /// agree, or what was given for TLS, a file of roots for one, cannot be used. Nothing was sent of the request.
    case tls(TLSError)
    /// The timeout, or the caller's own deadline, passed in this phase.
    case timeout(Phase)
    /// The connection broke while the request was sent, and no answer had come.
    case sendFailed(StreamError)
    /// The connection broke before the answer was complete.
    case receiveFailed(StreamError)
    /// The server closed the connection without a byte in reply.
    case closedWithoutAnswer
    /// The answer is not HTTP, or breaks its rules.
    case malformedResponse(WireError)
    /// More interim (1xx) answers than the limit.
    case tooManyInterimAnswers(limit: Int)
    /// The server switched to a protocol nobody asked for.
    case unaskedUpgrade
    /// The connection ended inside the body, after `received` bytes of it. What came is not the whole; or, with https, where
    /// the connection's end is the body's and nobody vouches for it (no close_notify), may not be.
    case truncated(received: Int)
    /// The server redirected once more than allowed.
    case tooManyRedirects(limit: Int)

    /// What a fetch does, one thing after the other.
    public enum Phase: Sendable, Equatable {
        case queue, resolve, connect, tls, send, answer, body
    }

    /// One sentence with the cause.
    public var description: String {
        switch self {
        case .malformedURL(let cause): "The URL is malformed: \(cause)"
        case .unsupportedScheme("https"):
            "https needs TLS, and this build has none: it was made with --disable-default-traits, or with traits: [] in the "
                + "manifest that names it. Build it without that; it takes OpenSSL's headers (apt-get install libssl-dev)"
        case .unsupportedScheme(let scheme): "The scheme \(scheme) is not supported"
        case .malformedRequest(let cause): "The request cannot be sent: \(cause)"
        case .resolve(let cause): cause.description
        case .connect(let failures): ConnectError.connect(failures).description
        case .tls(let cause): cause.description
        case .timeout(let phase): "Timed out while \(phase)"
        case .sendFailed(let cause): "Sending the request failed: \(cause)"
        case .receiveFailed(let cause): "Receiving the answer failed: \(cause)"
        case .closedWithoutAnswer: "The server closed the connection without an answer"
        case .malformedResponse(let cause): "The answer is malformed: \(cause)"
        case .tooManyInterimAnswers(let limit): "More than \(limit) interim answers came before the final one"
        case .unaskedUpgrade: "The server switched to a protocol that was not asked for"
        case .truncated(let received):
            "The connection ended before the body did, after \(received) bytes of it"
        case .tooManyRedirects(let limit): "More than \(limit) redirects"
        }
    }
}

extension HTTPClientError.Phase: CustomStringConvertible {
    /// What was going on, as a verb.
    public var description: String {
        switch self {
        case .queue: "waiting for a free connection"
        case .resolve: "resolving the host"
        case .connect: "connecting"
        case .tls: "making the connection secure"
        case .send: "sending the request"
        case .answer: "waiting for the answer"
        case .body: "reading the body"
        }
    }
}

extension HTTPClientError {
    init(_ malformed: HTTPURL.Malformed) {
        self =
            switch malformed {
            case .unsupportedScheme(let scheme): .unsupportedScheme(scheme)
            default: .malformedURL(malformed)
            }
    }

    /// What went wrong below, in the client's words; what is not the client's to explain stays as it is.
    static func explain(_ error: any Error, phase: Phase) -> any Error {
        switch error {
        case is TimeoutError: HTTPClientError.timeout(phase)
        case let error as WireError: HTTPClientError.malformedResponse(error)
        case let error as StreamError: HTTPClientError.receiveFailed(error)
        case BodyError.truncated(let received): HTTPClientError.truncated(received: received)
        case let error as TLSError: HTTPClientError.tls(error)
        case let error as ResolveError: HTTPClientError.resolve(error)
        case ConnectError.connect(let failures): HTTPClientError.connect(failures)
        case ConnectError.resolve(let error): HTTPClientError.resolve(error)
        case ConnectError.timeout(.resolving, _): HTTPClientError.timeout(.resolve)
        case ConnectError.timeout: HTTPClientError.timeout(phase)
        default: error
        }
    }
}
