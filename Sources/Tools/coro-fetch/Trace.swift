// What -v says: curl's marks, * for what happens, > for what is sent, < for what is received.

import Coro
import Http

enum Trace {
    /// The lines for one event.
    ///
    /// - Parameter isInsecure: with -k.
    static func text(of event: HTTPClient.Event, isInsecure: Bool) -> String {
        switch event {
        case .resolved(let addresses):
            "* Trying \(addresses.map(\.description).joined(separator: ", "))\n"
        case .connected(let local, let remote):
            "* Connected to \(remote?.description ?? "?") from \(local?.description ?? "?")\n"
        case .secured(let session): text(of: session, isInsecure: isInsecure)
        case .reused(let remote): "* Using the connection to \(remote?.description ?? "?") again\n"
        case .requestHead(let bytes): marked(">", String(decoding: bytes, as: UTF8.self))
        case .answer(let head): marked("<", head.withBytes { String(decoding: $0, as: UTF8.self) })
        case .redirected(let url): "* Following the redirect to \(url)\n"
        case .retried(let error): "* The idle connection was dead (\(error)); trying a fresh one\n"
        }
    }

    private static func marked(_ mark: String, _ head: String) -> String {
        // CR LF is one Character in Swift, and so is every other line end there can be in a head.
        head.split(separator: "\r\n", omittingEmptySubsequences: false).dropLast()
            .map { $0.isEmpty ? "\(mark)\n" : "\(mark) \(printable($0))\n" }.joined()
    }

    /// Escape sequences of a hostile server must not reach the terminal.
    static func printable(_ line: Substring) -> String {
        let harmless = line.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }
        return String(String.UnicodeScalarView(harmless))
    }
}
