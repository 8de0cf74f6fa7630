/// An absolute http or https URL, taken apart strictly for a client (RFC 3986, RFC 9110 §4.2).
///
/// Strict where security hangs on it: controls, blanks, backslashes and broken `%` sequences are errors that say what
/// and where, never repaired. Harmless and common bytes outside the grammar, non-ASCII ones above all, are encoded.
public struct HTTPURL: Sendable, Hashable {
    /// The schemes that HTTP serves.
    public enum Scheme: String, Sendable, Hashable {
        case http
        case https

        /// The port when the URL names none.
        public var defaultPort: Int { self == .http ? 80 : 443 }
    }

    /// The scheme.
    public let scheme: Scheme
    /// The user name, decoded; nil without userinfo.
    public let user: String?
    /// The password, decoded; nil without one.
    public let password: String?
    /// The host in lower case, an IPv6 address without its brackets: what a resolver and a certificate check take.
    public let host: String
    /// The port, 1 to 65535.
    public let port: Int
    /// The path as sent, dot segments removed; at least `/`.
    public let path: String
    /// What follows `?`, as sent; nil without one.
    public let query: String?
    /// What follows `#`; never sent (RFC 9110 §7.1), kept for redirects to hand on (RFC 9110 §10.2.2).
    public let fragment: String?

    init(parts: URLParts) throws(Malformed) {
        guard let name = parts.scheme else { throw .missingScheme }
        let lowered = String(decoding: name.map(Byte.lowered), as: UTF8.self)
        guard let scheme = Scheme(rawValue: lowered) else { throw .unsupportedScheme(lowered) }
        // RFC 9110 §4.2.1: an http URL has "//" and a host.
        guard let authority = parts.authority else { throw .missingAuthority }
        let checked = try URLAuthority(authority)
        self.scheme = scheme
        user = checked.user
        password = checked.password
        host = checked.host
        port = checked.port ?? scheme.defaultPort
        let path = URLParts.encoded(parts.path, in: .path)
        self.path = path.isEmpty ? "/" : URLParts.removingDotSegments(path)
        query = if let query = parts.query { URLParts.encoded(query, in: .query) } else { nil }
        fragment = if let fragment = parts.fragment { URLParts.encoded(fragment, in: .fragment) } else { nil }
    }

    private init(base: HTTPURL, path: String, query: String?, fragment: String?) {
        scheme = base.scheme
        user = base.user
        password = base.password
        host = base.host
        port = base.port
        self.path = path
        self.query = query
        self.fragment = fragment
    }

    /// Takes an absolute URL apart. Throws ``Malformed``, which says what is wrong and where. Linear in the length.
    public init(_ text: String) throws(Malformed) {
        guard !text.isEmpty else { throw .empty }
        try self.init(parts: URLParts(text))
    }

    /// The request target to send to the origin itself (RFC 9112 §3.2.1): path and query.
    public var target: String { query.map { "\(path)?\($0)" } ?? path }

    /// The request target to send to a proxy (RFC 9112 §3.2.2).
    public var absoluteTarget: String { "\(scheme.rawValue)://\(hostField)\(target)" }

    /// The Host field's value: the host, in brackets if it is an IPv6 address, and the port unless it is the default.
    public var hostField: String { port == scheme.defaultPort ? bracketedHost : "\(bracketedHost):\(port)" }

    /// The target of a CONNECT to this host: always with its port (RFC 9112 §3.2.3).
    public var connectTarget: String { "\(bracketedHost):\(port)" }

    /// Whether both URLs lead to the same scheme, host and port (RFC 9110 §4.3.1).
    public func hasSameOrigin(as other: HTTPURL) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    private var bracketedHost: String { host.utf8.contains(Byte.colon) ? "[\(host)]" : host }

    /// The URL that `reference`, as in a `Location` field, names when it stands at this one (RFC 3986 §5.2).
    ///
    /// A reference without a fragment keeps this URL's (RFC 9110 §10.2.2). One with an authority of its own keeps no
    /// user or password. An empty one names this URL, as the RFC says; refuse it before if that is an error to you.
    public func resolve(_ reference: String) throws(Malformed) -> HTTPURL {
        var parts = try URLParts(reference)
        let ownFragment = if let own = parts.fragment { URLParts.encoded(own, in: .fragment) } else { fragment }
        if parts.scheme != nil || parts.authority != nil {
            if parts.scheme == nil { parts.scheme = scheme.rawValue.utf8[...] }
            let url = try HTTPURL(parts: parts)
            return HTTPURL(base: url, path: url.path, query: url.query, fragment: ownFragment)
        }
        let ownPath = URLParts.encoded(parts.path, in: .path)
        let ownQuery: String? = if let own = parts.query { URLParts.encoded(own, in: .query) } else { nil }
        if ownPath.isEmpty {
            return HTTPURL(base: self, path: path, query: ownQuery ?? query, fragment: ownFragment)
        }
        let merged: String
        if ownPath.utf8.first == Byte.slash {
            merged = ownPath
        } else {
            // RFC 3986 §5.2.3: all of the base path up to its last slash.
            let end = path.utf8.lastIndex(of: Byte.slash) ?? path.utf8.startIndex
            merged = "\(path[..<end])/\(ownPath)"
        }
        return HTTPURL(
            base: self, path: URLParts.removingDotSegments(merged), query: ownQuery, fragment: ownFragment)
    }
}

extension HTTPURL: CustomStringConvertible {
    /// The URL without user and password, so that it may be logged and sent as a referrer; with its fragment.
    public var description: String { fragment.map { "\(absoluteTarget)#\($0)" } ?? absoluteTarget }
}
