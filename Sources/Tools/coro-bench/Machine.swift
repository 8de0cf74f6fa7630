// Where a figure comes from.

internal import Glibc

enum Machine {
    /// The kernel and its release, "Linux 6.12.0".
    static var system: String { "\(name(\.sysname)) \(name(\.release))" }
    static var architecture: String { name(\.machine) }
    static var cores: Int { sysconf(Int32(_SC_NPROCESSORS_ONLN)) }
    /// What the processor calls itself, empty when it does not.
    static var processor: String {
        let line = read("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").dropFirst().first.map { String($0.drop { $0 == " " }) } ?? ""
    }

    /// The compiler's language version; it does not tell its patch level.
    static var swift: String {
        #if compiler(>=6.4)
        "6.4 or later"
        #elseif compiler(>=6.3)
        "6.3"
        #else
        "6.2"
        #endif
    }

    /// False for a debug build, whose figures say nothing.
    static var isOptimised: Bool {
        #if DEBUG
        false
        #else
        true
        #endif
    }

    /// Memory of this process that is in RAM, in bytes (proc_pid_status(5), VmRSS).
    static var resident: Double { bytes("VmRSS:", of: "/proc/self/status") ?? 0 }

    /// The same of another process. Its smaps_rollup and not its status: that one may be behind by some pages a core.
    static func resident(of process: Int32) -> Double { bytes("Rss:", of: "/proc/\(process)/smaps_rollup") ?? .nan }

    /// Memory that the system could still give, in bytes (proc_meminfo(5), MemAvailable).
    static var available: Double { bytes("MemAvailable:", of: "/proc/meminfo") ?? .infinity }

    /// The kibibytes in the line that begins with `name`, in bytes.
    private static func bytes(_ name: String, of path: String) -> Double? {
        let line = read(path).split(separator: "\n").first { $0.hasPrefix(name) }
        let words = line?.split { $0 == " " || $0 == "\t" } ?? []
        return words.count > 1 ? Double(words[1]).map { $0 * 1024 } : nil
    }

    private static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    private static func name<Characters>(_ field: KeyPath<utsname, Characters>) -> String {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: names[keyPath: field]) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
