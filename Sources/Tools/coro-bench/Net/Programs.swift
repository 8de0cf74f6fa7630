// Where programs are: this one, its sisters, and the peers that somebody may have installed.

internal import Glibc

enum Programs {
    /// This program's file.
    static let own: String = {
        var room = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &room, room.count)
        guard count > 0 else { return "/proc/self/exe" }
        return String(decoding: room[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// A program that is built into the same folder as this one; nil when it is not there.
    static func sister(_ name: String) -> String? {
        let folder = own.lastIndex(of: "/").map { own[...$0] } ?? "./"
        return runnable(folder + name)
    }

    /// A program of that name in PATH; nil when there is none. Beside each `bin` its `sbin` too, which people's PATH often
    /// lacks and where nginx is.
    static func installed(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let folders = path.split(separator: ":").flatMap { folder in
            folder.hasSuffix("/bin") ? [folder, folder.dropLast(3) + "sbin"] : [folder]
        }
        return folders.lazy.compactMap { runnable("\($0)/\(name)") }.first
    }

    private static func runnable(_ path: String) -> String? { access(path, X_OK) == 0 ? path : nil }
}
