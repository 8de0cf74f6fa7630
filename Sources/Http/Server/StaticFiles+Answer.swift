// One open file as an answer: its validators, what the request's conditions make of them, the range it asks for.

internal import Coro
internal import HttpWire

/// A file that was asked for and found.
struct FileAnswer {
    let file: OpenFile
    let status: FileStatus
    let name: String

    func response(to request: HTTPServer.Request) throws -> HTTPServer.Response {
        var fields = Fields()
        try fields.append("Last-Modified", HTTPDate.string(status.modified.seconds))
        try fields.append("ETag", tag)
        try fields.append("Accept-Ranges", "bytes")
        if isUnchanged(for: request) { return HTTPServer.Response(status: .notModified, fields: fields) }
        try fields.append("Content-Type", MediaType.ofFile(named: name))
        switch range(of: request) {
        case .whole:
            return HTTPServer.Response(fields: fields, body: .file(file, offset: 0, length: status.size))
        case .part(let part):
            try fields.append("Content-Range", "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(status.size)")
            return HTTPServer.Response(
                status: .partialContent, fields: fields,
                body: .file(file, offset: part.lowerBound, length: part.count))
        case .unsatisfiable:
            var response = HTTPServer.Response.failure(.rangeNotSatisfiable)
            // RFC 9110 §15.5.17: it tells the length, so that the client can ask again.
            try response.fields.set("Content-Range", "bytes */\(status.size)")
            return response
        }
    }

    /// Changes with every write that changes the time of the last one; the size tells apart what shares an instant.
    private var tag: String {
        let hex = { (number: Int) in String(number, radix: 16) }
        return "\"\(hex(status.modified.seconds))-\(hex(status.modified.nanoseconds))-\(hex(status.size))\""
    }

    /// RFC 9110 §13.2.2: If-None-Match decides where it is present, and If-Modified-Since only where it is not.
    private func isUnchanged(for request: HTTPServer.Request) -> Bool {
        if let tags = request.fields.values("If-None-Match") {
            return tags.split(separator: ",").contains { isOurs($0) }
        }
        guard let date = request.fields["If-Modified-Since"], let since = HTTPDate.parse(date) else { return false }
        return status.modified.seconds <= since
    }

    /// The weak comparison (RFC 9110 §8.8.3.2); `*` is any.
    private func isOurs(_ candidate: Substring) -> Bool {
        var text = candidate.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        if text.hasPrefix("W/") { text = text.dropFirst(2) }
        return text == "*" || text == tag
    }

    private func range(of request: HTTPServer.Request) -> ByteRange {
        // RFC 9110 §14.2: Range is defined for GET alone.
        guard request.method == .get, let field = request.fields.values("Range") else { return .whole }
        // RFC 9110 §13.1.5: the part only of the file that the client has the rest of. A date is not fine enough for that.
        if let condition = request.fields["If-Range"], condition != tag { return .whole }
        return ByteRange(field, length: status.size)
    }
}
