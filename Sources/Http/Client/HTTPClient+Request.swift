// What to ask for, and the fields that go out with it.

public import Coro
public import CoroTLS
public import HttpWire

extension HTTPClient {
    /// A request to send: a value, which the client copies and never changes.
    public struct Request: Sendable {
        /// The method. CONNECT is refused.
        public var method: Method
        /// Where to send it. A user and password in it become an `Authorization` field unless there is one.
        public var url: HTTPURL
        /// Fields to send. Content-Length and Transfer-Encoding are computed from the body; given ones are ignored.
        public var fields: Fields
        /// The body.
        public var body: OutgoingBody
        /// Overrides the configuration's timeout; zero means none.
        public var timeout: Duration?
        /// Overrides the configuration's.
        public var redirects: Redirects?
        /// Told what happens on the way, on the loop's thread, in order. It must not block.
        public var observer: (@Sendable (Event) -> Void)?

        /// A request for a URL that has been taken apart.
        public init(_ method: Method, _ url: HTTPURL, fields: Fields = [:], body: OutgoingBody = .none) {
            self.method = method
            self.url = url
            self.fields = fields
            self.body = body
        }

        /// A request for a URL in text.
        ///
        /// - Throws: `HTTPClientError.malformedURL`, which says what is wrong and where; `unsupportedScheme`.
        public init(
            _ method: Method, _ url: String, fields: Fields = [:], body: OutgoingBody = .none
        ) throws(HTTPClientError) {
            do throws(HTTPURL.Malformed) {
                self.init(method, try HTTPURL(url), fields: fields, body: body)
            } catch {
                throw HTTPClientError(error)
            }
        }

        /// A GET request for a URL in text.
        ///
        /// - Throws: as the form with a method.
        public init(_ url: String, fields: Fields = [:]) throws(HTTPClientError) {
            try self.init(.get, url, fields: fields)
        }
    }

    /// A step of a fetch, for those who log or draw it.
    public enum Event: Sendable {
        /// The host's addresses, in the order they are tried.
        case resolved([SocketAddress])
        /// A connection was made.
        case connected(local: SocketAddress?, remote: SocketAddress?)
        /// The connection was made secure, for https.
        case secured(TLSSession)
        /// An idle connection is used again.
        case reused(remote: SocketAddress?)
        /// The request's head, as it is sent.
        case requestHead([UInt8])
        /// The head of an answer, be it interim, a redirect or final.
        case answer(ResponseHead)
        /// A redirect is followed.
        case redirected(to: HTTPURL)
        /// The idle connection turned out to be dead; the request is sent again on a fresh one.
        case retried(because: HTTPClientError)
    }
}

extension HTTPClient.Request {
    /// The fields as they go out: the user's, the defaults the user did not override, and the framing.
    func outgoingFields(defaults: Fields) throws(WireError) -> Fields {
        var outgoing = Fields()
        // RFC 9110 §7.2: Host comes first, as its own field in every request.
        if !fields.contains("Host") { try outgoing.append("Host", url.hostField) }
        for (name, value) in defaults where !fields.contains(name) { try outgoing.append(name, value) }
        outgoing.append(contentsOf: fields)
        // Two opinions about where a message ends are how requests get smuggled; the body's is the one that counts.
        outgoing.remove("Content-Length")
        outgoing.remove("Transfer-Encoding")
        switch body {
        case .none:
            // RFC 9110 §8.6: where the method expects a body, say that there is none.
            if [.post, .put, .patch].contains(method) { try outgoing.append("Content-Length", "0") }
        case .stream(length: nil, _):
            try outgoing.append("Transfer-Encoding", "chunked")
        case .bytes, .stream, .file:
            try outgoing.append("Content-Length", String(body.length ?? 0))
        }
        return outgoing
    }

    /// The request with the URL's user and password as the field they mean, unless there is such a field.
    func withCredentialsAsField() throws(HTTPClientError) -> HTTPClient.Request {
        guard let user = url.user, !fields.contains("Authorization") else { return self }
        var request = self
        do throws(WireError) {
            try request.fields.set("Authorization", BasicCredentials.field(user: user, password: url.password ?? ""))
        } catch {
            throw .malformedRequest(error)
        }
        return request
    }

    /// Whether sending it a second time means as much as once, and the body is still there to send.
    var isRepeatable: Bool { method.isIdempotent && body.isReplayable }
}

extension OutgoingBody {
    /// Whether the body can be sent again. A closure may have used its source up.
    var isReplayable: Bool { if case .stream = self { false } else { true } }
}
