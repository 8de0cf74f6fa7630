// Sockets that this process was started with: a supervisor opens them, at ports that we may not bind or before we are up,
// and hands them on from one process to the next without a refused connection. systemd's protocol: LISTEN_PID says for whom
// they are, LISTEN_FDS how many, from descriptor 3 on, LISTEN_FDNAMES their names (sd_listen_fds(3)).

internal import CLoop
internal import Glibc

/// A descriptor that whoever started this process has opened for it.
///
///     for inherited in InheritedDescriptor.all() {
///         let listener = try Listener(takingOver: inherited.descriptor, on: loop)
///     }
public struct InheritedDescriptor: Sendable, Equatable {
    /// The descriptor; yours to close, or to hand to who does.
    public let descriptor: Int32
    /// What the supervisor calls it; nil when it does not say.
    public let name: String?

    /// The descriptors that are meant for this process; none when it was started otherwise.
    ///
    /// The processes it starts in turn do not get them: they are made close-on-exec.
    ///
    /// - Source: sd_listen_fds(3).
    public static func all() -> [InheritedDescriptor] {
        let found = announced(to: getpid()) { name in getenv(name).map { String(cString: $0) } }
        return found.filter { cloop_socket_adopt($0.descriptor) == 0 }
    }

    /// What the environment announces to the process with this id.
    static func announced(to process: Int32, _ variable: (String) -> String?) -> [InheritedDescriptor] {
        guard variable("LISTEN_PID").flatMap({ Int32($0) }) == process,
            let count = variable("LISTEN_FDS").flatMap({ Int32($0) }), count > 0, count <= countMax
        else { return [] }
        let names = variable("LISTEN_FDNAMES").map { $0.split(separator: ":", omittingEmptySubsequences: false) } ?? []
        return (0..<count).map { index in
            let name = names.indices.contains(Int(index)) ? String(names[Int(index)]) : ""
            return InheritedDescriptor(descriptor: first + index, name: name.isEmpty ? nil : name)
        }
    }

    /// Behind standard input, output and error.
    private static let first: Int32 = 3
    /// More than any process is started with; a number beyond it is none.
    private static let countMax: Int32 = 4096
}
