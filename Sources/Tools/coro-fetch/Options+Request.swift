// From options to the request that is sent.

import Http

extension Options {
    /// The URL an argument means: http unless it says otherwise, and this machine when it begins with a port.
    static func url(_ argument: String) -> String {
        if argument.contains("://") { return argument }
        return argument.hasPrefix(":") ? "http://localhost\(argument)" : "http://\(argument)"
    }

    /// The request for one URL.
    ///
    /// - Throws: `HTTPClientError` or `Failure`.
    func request(for argument: String) throws -> HTTPClient.Request {
        var request = try HTTPClient.Request(.get, Options.url(argument))
        request.method = requestMethod
        if let data { request.body = .bytes(data) }
        request.redirects = followsRedirects ? .follow(limit: maxRedirects) : .never
        request.timeout = timeout ?? .zero
        do throws(WireError) {
            request.fields = try requestFields()
        } catch {
            throw HTTPClientError.malformedRequest(error)
        }
        return request
    }

    private var requestMethod: Method {
        if let method { return Method(method) }
        if asksHeadOnly { return .head }
        return data == nil ? .get : .post
    }

    private func requestFields() throws(WireError) -> Fields {
        var given = Fields()
        if let credentials {
            let user = credentials.prefix { $0 != ":" }
            let password = credentials[credentials.index(after: user.endIndex)...]
            try given.append("Authorization", BasicCredentials.field(user: String(user), password: String(password)))
        }
        if let referer { try given.append("Referer", referer) }
        if let cookie { try given.append("Cookie", cookie) }
        if data != nil {
            try given.append("Content-Type", isJSON ? "application/json" : "application/x-www-form-urlencoded")
        }
        // What -H says goes before what other options imply.
        var written = Fields()
        for line in fields {
            guard let (name, value) = Options.field(line) else { throw .missingColon }
            given.remove(name)
            if let value { try written.append(name, value) }
        }
        given.append(contentsOf: written)
        return given
    }

    /// Sent unless -H has the same name; `-H 'Accept:'` takes one away.
    func defaultFields() -> Fields {
        var defaults: Fields = [
            "User-Agent": userAgent ?? "coro-fetch/0.1.0", "Accept": isJSON ? "application/json" : "*/*",
        ]
        for line in fields {
            if let (name, value) = Options.field(line), value == nil { defaults.remove(name) }
        }
        return defaults
    }

    /// A line of -H, as curl reads it: `Name: value`; `Name;` for an empty value; `Name:` for no such field (nil).
    static func field(_ line: String) -> (name: String, value: String?)? {
        if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            return (String(line[..<colon]), value.isEmpty ? nil : String(value))
        }
        return line.hasSuffix(";") ? (String(line.dropLast()), "") : nil
    }
}
