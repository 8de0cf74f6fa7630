// Where processes run while servers are compared: the server on one core, the load on another, and no server any longer
// than this program.

internal import BenchFloor
internal import Console
internal import Coro
internal import Glibc

enum Confinement {
    /// The core of every server that is measured, and that of every load; nil with one core only, which all then share.
    struct Cores: Sendable {
        let server: Int32
        let load: Int32
    }

    /// The first two cores that this process may use, as it was started.
    static let cores: Cores? = {
        var allowed: [Int32] = [0, 0]
        return confine_allowed(&allowed, 2) == 2 ? Cores(server: allowed[0], load: allowed[1]) : nil
    }()

    /// Moves this process to the core of the load, and lets it and its servers have as many connections as the system
    /// allows. Before other threads are there: they take the core of the one that starts them.
    static func begin() {
        if let cores { confine_to_core(cores.load) }
        let descriptors = __rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue))
        var limit = rlimit()
        guard getrlimit(descriptors, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(descriptors, &limit)
    }

    /// How many connections one process may have, with some descriptors left for everything else.
    static var connectionsMax: Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
        return max(1, Int(min(limit.rlim_cur, 1 << 20)) - 200)
    }

    /// The words that start a program on the servers' core (`Role.confined`).
    static func server(_ words: [String]) -> [String] { confined(words, to: cores?.server) }
    /// The words that start a program on the load's core.
    static func load(_ words: [String]) -> [String] { confined(words, to: cores?.load) }

    private static func confined(_ words: [String], to core: Int32?) -> [String] {
        [Programs.own, Role.flag, "confined", "\(core ?? -1)"] + words
    }

    /// Becomes another program, on that core if it is one, which dies with the process that has started this one.
    static func become(_ words: [String], on core: Int32) -> Never {
        confine_to_parent()
        if core >= 0 { confine_to_core(core) }
        let list: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        execvp(words[0], list)
        Console.note("\(words[0]): \(String(cString: strerror(errno)))\n")
        exit(127)
    }
}
