// What to run: a value, made ready for execve(2) only when it is started.

internal import CLoop
internal import Glibc

extension Subprocess {
    /// A program and how to start it.
    ///
    ///     var command = Subprocess.Command("tar", "-x")
    ///     command.directory = "/srv/data"
    public struct Command: Sendable, ExpressibleByStringLiteral {
        /// Whose signals and terminal a process shares.
        public enum Group: Sendable {
            /// The group of this process: a Ctrl-C in the terminal reaches both.
            case inherited
            /// A group of its own. `Subprocess.send` and the ending of `withSubprocess` reach all processes in it, for as long
            /// as the program itself runs: what it leaves behind when it ends is on its own.
            case own
            /// A session of its own, without a terminal (setsid(2)), and a group of its own.
            case session
        }

        /// A path, or a name without a slash, which is looked for in PATH.
        ///
        /// PATH is that of `environment`. A path that is not absolute begins at `directory`.
        public var program: String
        /// What the program gets behind its name. No shell comes between: nothing is split, expanded or quoted.
        public var arguments: [String]
        /// The program's whole environment; nil is this process's.
        public var environment: [String: String]?
        /// Where the program begins; nil is this process's working directory.
        public var directory: String?
        /// Whose signals and terminal it shares.
        public var group = Group.inherited

        /// Names a program and its arguments.
        public init(_ program: String, _ arguments: String...) {
            self.init(program, arguments: arguments)
        }

        /// Names a program and a list of its arguments.
        public init(_ program: String, arguments: [String]) {
            self.program = program
            self.arguments = arguments
        }

        public init(stringLiteral program: String) { self.init(program) }
    }

    /// The environment of this process, as a beginning for another's. Names and values that are no UTF-8 are repaired; a
    /// command whose environment is nil hands them on as they are.
    public static var environment: [String: String] {
        var entries: [String: String] = [:]
        guard var entry = cloop_process_environment() else { return entries }
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { entries[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return entries
    }
}

extension Subprocess.Command {
    /// The paths to try, in order.
    private var candidates: [String] {
        if program.utf8.contains(UInt8(ascii: "/")) { return [program] }
        guard !program.isEmpty else { return [] }
        // The default of execvp(3). An empty entry would be the working directory there; here it is nothing.
        let path = environment.map { $0["PATH"] } ?? getenv("PATH").map { String(cString: $0) }
        return (path ?? "/bin:/usr/bin").split(separator: ":").map { "\($0)/\(program)" }
    }

    /// Starts the program with these descriptors as its 0, 1 and 2.
    func start(_ descriptors: (Int32, Int32, Int32)) throws(IOError) -> ProcessDescriptor {
        let variables = environment?.map { "\($0.key)=\($0.value)" }
        // A C string ends at its first NUL, a variable's name at its first "=": the program would get something else.
        let texts = [program] + arguments + (variables ?? []) + (directory.map { [$0] } ?? [])
        let names = environment.map { Array($0.keys) } ?? []
        guard texts.allSatisfy({ !$0.utf8.contains(0) }),
            names.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: "=")) })
        else { throw IOError(call: "execve \(program)", code: EINVAL) }

        let programs = CStringArray(candidates)
        let argumentList = CStringArray([program] + arguments)
        let environmentList = variables.map(CStringArray.init)
        let directoryText = directory.map { CStringArray([$0]) }
        var plan = cloop_process_plan()
        plan.programs = UnsafePointer(programs.pointer)
        plan.arguments = UnsafePointer(argumentList.pointer)
        plan.environment = environmentList.map { UnsafePointer($0.pointer) }
        plan.directory = directoryText?.pointer.pointee.map { UnsafePointer($0) }
        plan.descriptors = descriptors
        plan.group =
            switch group {
            case .inherited: CLOOP_GROUP_INHERITED
            case .own: CLOOP_GROUP_OWN
            case .session: CLOOP_GROUP_SESSION
            }
        var id: Int32 = 0
        var step: Int32 = 0
        // SAFETY: all that the plan points to is alive until the call has returned, when the child has its own copy.
        let process = withExtendedLifetime((programs, argumentList, environmentList, directoryText)) {
            cloop_process_spawn(&plan, &id, &step)
        }
        try IOError.check(process, nameOfCall(step))
        return ProcessDescriptor(process, id: id, leadsGroup: group != .inherited)
    }

    private func nameOfCall(_ step: Int32) -> String {
        switch step {
        case CLOOP_STEP_GROUP: group == .own ? "setpgid" : "setsid"
        case CLOOP_STEP_DESCRIPTORS: "dup2"
        case CLOOP_STEP_DIRECTORY: "chdir \(directory ?? "")"
        case CLOOP_STEP_PROGRAM: "execve \(program)"
        default: "vfork"
        }
    }
}

/// C strings in an array that NULL ends, as execve(2) takes them.
private final class CStringArray {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        // SAFETY: freed in deinit, and with it each text.
        pointer = .allocate(capacity: count + 1)
        for (index, text) in texts.enumerated() { (pointer + index).initialize(to: strdup(text)) }
        (pointer + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}
