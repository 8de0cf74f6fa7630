// Where an answer points, and what may go there (RFC 9110 §15.4). A pure decision: an answer and the request that got
// it in, the next request out.

internal import HttpWire

enum Redirection {
    /// A redirect's own page is read to keep the connection when it has at most this many bytes.
    static let bodyWorthReading = 16 * 1024

    /// The request that follows `response`; nil when it is no redirect, says no place, or asks for a body that is gone.
    static func next(
        after response: HTTPClient.Response, to request: HTTPClient.Request
    ) throws(HTTPClientError) -> HTTPClient.Request? {
        try next(after: response.status, location: response.fields["Location"], to: request)
    }

    static func next(
        after status: Status, location: String?, to request: HTTPClient.Request
    ) throws(HTTPClientError) -> HTTPClient.Request? {
        guard let location, let method = method(after: status, was: request.method) else { return nil }
        var next = request
        if method != request.method || status == .seeOther {
            next.method = method
            next.dropBody()
        } else if !request.body.isReplayable {
            return nil
        }
        next.url = try destination(location, from: request.url)
        if !next.url.hasSameOrigin(as: request.url) {
            // What was meant for one server is not told to another, however it was set.
            for secret in ["Authorization", "Cookie", "Proxy-Authorization", "Host"] { next.fields.remove(secret) }
        }
        return next
    }

    /// The method to go on with; nil for a status that is not followed.
    private static func method(after status: Status, was method: Method) -> Method? {
        switch status.code {
        // RFC 9110 §15.4.2: for POST, and for POST alone, clients have always changed to GET here.
        case 301, 302: method == .post ? .get : method
        // RFC 9110 §15.4.4: the answer is elsewhere, and a GET (or the HEAD it was) gets it.
        case 303: method == .head ? .head : .get
        case 307, 308: method
        default: nil
        }
    }

    private static func destination(_ location: String, from url: HTTPURL) throws(HTTPClientError) -> HTTPURL {
        do throws(HTTPURL.Malformed) {
            // As a reference an empty one names this very URL: a loop that no server means.
            guard !location.isEmpty else { throw .empty }
            return try url.resolve(location)
        } catch {
            throw HTTPClientError(error)
        }
    }
}

extension HTTPClient.Request {
    /// Takes the body away, and all fields that speak of it (RFC 9110 §15.4).
    fileprivate mutating func dropBody() {
        body = .none
        let aboutBody = [
            "Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Location",
            "Content-Range", "Transfer-Encoding", "Expect", "Trailer", "Digest", "Content-Digest", "Repr-Digest",
            "Last-Modified",
        ]
        for name in aboutBody { fields.remove(name) }
    }
}
