// A directory as a page of links. Names come from whoever can write files there, so every one is escaped twice: as part
// of a URL, and as text.

internal import Coro
internal import HttpWire

/// The list of a directory's files.
struct DirectoryPage {
    /// More are left out, in no order: a page of them would help nobody.
    private static let entriesMax = 10_000

    private let entries: [(name: String, isDirectory: Bool)]
    private let isRoot: Bool

    /// Reads the directory. Files whose names begin with a dot are hidden, as everywhere; they are served when asked for.
    init(of directory: OpenFile, isRoot: Bool) throws {
        entries = try directoryEntries(directory.descriptor, limit: DirectoryPage.entriesMax)
            .filter { !$0.name.hasPrefix(".") }
            .sorted { $0.name < $1.name }
        self.isRoot = isRoot
    }

    func response(path: String) throws -> HTTPServer.Response {
        let title = DirectoryPage.escaped(PercentCoding.decode(path) ?? path)
        var page = """
            <!DOCTYPE html>
            <html><head><meta charset="utf-8"><title>\(title)</title></head>
            <body><h1>\(title)</h1>
            <ul>

            """
        if !isRoot { page += "<li><a href=\"../\">../</a></li>\n" }
        for (name, isDirectory) in entries {
            let shown = isDirectory ? name + "/" : name
            // `./` keeps a name with a colon from being read as a scheme (RFC 3986 §4.2).
            let link = "./" + PercentCoding.encode(name, for: .segment) + (isDirectory ? "/" : "")
            page += "<li><a href=\"\(DirectoryPage.escaped(link))\">\(DirectoryPage.escaped(shown))</a></li>\n"
        }
        page += "</ul></body></html>\n"
        // The page runs nothing, whatever a name is made of.
        return HTTPServer.Response(
            fields: [
                "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'",
                "X-Content-Type-Options": "nosniff",
            ], body: .text(page))
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
