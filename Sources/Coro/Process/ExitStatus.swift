// How a process ended, and what came of it.

extension Subprocess {
    /// How a process ended.
    public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
        /// It returned from `main`, or called exit(3), with this code: 0 to 255.
        case exited(Int32)
        /// This signal killed it.
        case signalled(Int32)

        /// True for exit code 0.
        public var isSuccess: Bool { self == .exited(0) }

        /// Does nothing for exit code 0.
        ///
        /// - Throws: `Subprocess.Failure` for every other end.
        public func requireSuccess(of program: String = "process") throws(Failure) {
            if !isSuccess { throw Failure(program: program, status: self) }
        }

        public var description: String {
            switch self {
            case .exited(let code): "exit code \(code)"
            case .signalled(let signal): "killed by signal \(signal)"
            }
        }
    }

    /// A process that did not end with exit code 0.
    public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        /// What was run.
        public let program: String
        /// How it ended.
        public let status: ExitStatus
        /// The last of what it wrote to its standard error, where that was collected.
        public let complaint: String

        /// Makes the error, for code that judges by more than the status.
        public init(program: String, status: ExitStatus, complaint: String = "") {
            self.program = program
            self.status = status
            self.complaint = complaint
        }

        public var description: String {
            "\(program) did not succeed: \(status)" + (complaint.isEmpty ? "" : ": \(complaint)")
        }
    }

    /// A process that has ended, and all it wrote.
    public struct Completed: Sendable {
        /// How it ended.
        public let status: ExitStatus
        /// What it wrote to its standard output.
        public let output: [UInt8]
        /// What it wrote to its standard error; empty where that was merged into the output.
        public let errors: [UInt8]

        /// The output as text. What is no UTF-8 is replaced by U+FFFD.
        public var text: String { String(decoding: output, as: UTF8.self) }
    }
}
