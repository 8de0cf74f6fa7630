// Files of a directory as answers. Which file is asked for is decided here and by the kernel, which lets no path out of
// the directory (openat2(2), RESOLVE_BENEATH): no check of strings could, with links and renames under way.

internal import Coro
internal import HttpWire

/// Serves the files below a directory.
///
///     let files = try StaticFiles(directory: "public")
///     router.get("/static/{path...}", files.handler)
///
/// The route's `{path...}` names the file; in a route without one, the whole path does. Directories answer with their
/// `index.html`, else with a list. `HEAD`, `If-None-Match`, `If-Modified-Since` and a single `Range` are understood; bodies
/// go out by sendfile(2), so files of any size cost no memory.
///
/// - Runs on: the loop of the request. Opening a file blocks it: microseconds from the page cache, longer from a cold disk.
public struct StaticFiles: Sendable {
    private let directory: Directory
    /// Whether a directory without `index.html` answers with a list of its files; else it is 404.
    public var listsDirectories = true

    /// Opens the directory, which stays the same one even when it is renamed.
    ///
    /// - Throws: `IOError` when it is not there, no directory or not readable.
    public init(directory path: String) throws {
        directory = try Directory(path: path)
    }

    /// Answers by the request's path: a handler for a router or a server.
    public var handler: HTTPServer.Handler { { request in try answer(request) } }

    /// The answer to one request.
    ///
    /// - Throws: `HTTPServer.Refusal`: 403 for a path that leads out of the directory, 404 for one that is not there.
    public func answer(_ request: HTTPServer.Request) throws -> HTTPServer.Response {
        guard request.method == .get || request.method == .head else {
            var response = HTTPServer.Response.failure(.methodNotAllowed)
            try response.fields.set("Allow", "GET, HEAD")
            return response
        }
        let path = try filePath(of: request)
        let (file, status) = try open(path)
        switch status.kind {
        case .file where path.hasSuffix("/"): throw HTTPServer.Refusal(.notFound)
        case .file: return try FileAnswer(file: file, status: status, name: path).response(to: request)
        case .directory: return try answer(request, directory: file, at: path)
        case .other: throw HTTPServer.Refusal(.forbidden)
        }
    }

    // MARK: Which file

    /// The path below the directory that the request names, with what could mean something else refused.
    private func filePath(of request: HTTPServer.Request) throws -> String {
        let raw = request.path
        // A coded slash is no separator (RFC 3986 §2.2), and no file has one in its name.
        guard !raw.utf8.contains(UInt8(ascii: "%")) || !raw.lowercased().contains("%2f") else {
            throw HTTPServer.Refusal(.notFound)
        }
        guard var path = request.parameters["path"] ?? PercentCoding.decode(raw.drop { $0 == "/" }) else {
            throw HTTPServer.Refusal(.badRequest)
        }
        // A second slash in front would make the path absolute; it means as little as one in the middle.
        path = String(path.drop { $0 == "/" })
        guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw HTTPServer.Refusal(.badRequest, "The path has a control character.")
        }
        // The kernel would refuse only those that lead out. Clients resolve `..` themselves (RFC 3986 §5.2.4), so one that
        // is still here was meant to deceive.
        guard !path.split(separator: "/").contains("..") else { throw HTTPServer.Refusal(.forbidden) }
        return path
    }

    private func open(_ path: String) throws -> (OpenFile, FileStatus) {
        do {
            let (descriptor, status) = try directory.open(beneath: path)
            return (OpenFile(takingOver: descriptor), status)
        } catch {
            switch error.fileFault {
            case .missing: throw HTTPServer.Refusal(.notFound)
            case .forbidden: throw HTTPServer.Refusal(.forbidden)
            case .exhausted: throw HTTPServer.Refusal(.serviceUnavailable)
            case .other: throw error
            }
        }
    }

    // MARK: Directories

    private func answer(
        _ request: HTTPServer.Request, directory file: OpenFile, at path: String
    ) throws -> HTTPServer.Response {
        // The slash decides what relative links in the page mean.
        guard request.head.withPath({ $0.last == UInt8(ascii: "/") }) else { return try redirect(request, to: path) }
        do {
            // `path` ends in a slash, as the request's does, or is empty.
            let (index, status) = try open(path + "index.html")
            if status.kind == .file {
                return try FileAnswer(file: index, status: status, name: "index.html").response(to: request)
            }
        } catch let refusal as HTTPServer.Refusal where refusal.response.status == .notFound {
            // No index: the list, then.
        }
        guard listsDirectories else { throw HTTPServer.Refusal(.notFound) }
        return try DirectoryPage(of: file, isRoot: path.isEmpty).response(path: request.path)
    }

    /// To the same path with a slash at its end, by a relative reference: a path that begins with two slashes, sent back
    /// whole, would lead to another host.
    private func redirect(_ request: HTTPServer.Request, to path: String) throws -> HTTPServer.Response {
        let name = path.split(separator: "/").last ?? ""
        var location = "./" + PercentCoding.encode(name, for: .segment) + "/"
        if let query = request.query { location += "?" + query }
        var response = HTTPServer.Response.failure(.movedPermanently)
        try response.fields.set("Location", location)
        return response
    }
}
