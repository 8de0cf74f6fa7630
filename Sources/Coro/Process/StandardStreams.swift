// Where a process's standard streams lead, and the descriptors that this takes: the child's ends, which are closed here
// once it has them, and our ends, which become a reader and writers.

internal import Glibc

extension Subprocess {
    /// Where a process reads from.
    public enum Input: Sendable {
        /// The standard input of this process.
        case inherited
        /// Nothing: it finds the end at once (/dev/null).
        case null
        /// A pipe; `Subprocess.standardInput` is its other end.
        case pipe
        /// An open descriptor, which stays yours. It should block, as programs expect.
        case descriptor(Int32)
    }

    /// Where a process writes to.
    public enum Output: Sendable {
        /// The stream of the same name of this process.
        case inherited
        /// Nowhere (/dev/null).
        case null
        /// A pipe; `Subprocess.standardOutput` or `standardError` is its other end.
        case pipe
        /// For standard error: wherever standard output leads. For standard output it is the same as `inherited`.
        case standardOutput
        /// An open descriptor, which stays yours. It should block, as programs expect.
        case descriptor(Int32)
        /// A pipe's end, another process's standard input for one. It is the process's from then on, and closed here, also
        /// when the program cannot be started.
        case into(PipeWriter)
    }
}

/// The three streams of one process that is being started.
final class StandardStreams {
    /// What become the child's 0, 1 and 2.
    private(set) var descriptors: (Int32, Int32, Int32) = (STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO)
    private(set) var input: PipeWriter?
    private(set) var output: PipeReader?
    private(set) var error: PipeReader?
    /// Open for the child only, and closed when it has its copies, or will never have them.
    private var childs: [Int32] = []

    init(
        _ input: Subprocess.Input, _ output: Subprocess.Output, _ error: Subprocess.Output, on loop: EventLoop
    ) throws {
        descriptors.0 = try open(input, on: loop)
        (descriptors.1, self.output) = try open(output, else: STDOUT_FILENO, STDOUT_FILENO, on: loop)
        (descriptors.2, self.error) = try open(error, else: STDERR_FILENO, descriptors.1, on: loop)
    }

    deinit {
        for descriptor in childs { Descriptor.close(descriptor) }
    }

    private func open(_ input: Subprocess.Input, on loop: EventLoop) throws(IOError) -> Int32 {
        switch input {
        case .inherited: return STDIN_FILENO
        case .null: return try null()
        case .descriptor(let descriptor): return descriptor
        case .pipe:
            let (reading, writing) = try PipeChannel.openPipe()
            childs.append(reading)
            self.input = try PipeWriter(takingOver: writing, on: loop)
            return reading
        }
    }

    private func open(
        _ output: Subprocess.Output, else own: Int32, _ standardOutput: Int32, on loop: EventLoop
    ) throws -> (Int32, PipeReader?) {
        switch output {
        case .inherited: return (own, nil)
        case .null: return (try null(), nil)
        case .standardOutput: return (standardOutput, nil)
        case .descriptor(let descriptor): return (descriptor, nil)
        case .into(let writer):
            guard writer.loop === loop else { throw StreamError.wrongThread }
            guard writer.isOpen else { throw StreamError.closed }
            guard let descriptor = writer.handOver() else { throw StreamError.busy("writing") }
            childs.append(descriptor)
            return (descriptor, nil)
        case .pipe:
            let (reading, writing) = try PipeChannel.openPipe()
            childs.append(writing)
            return (writing, try PipeReader(takingOver: reading, on: loop))
        }
    }

    private func null() throws(IOError) -> Int32 {
        let opened = Glibc.open("/dev/null", O_RDWR | O_CLOEXEC)
        childs.append(try IOError.check(opened >= 0 ? opened : -errno, "open /dev/null"))
        return opened
    }
}
