// coro-fetch: fetches URLs, all at once. Arguments in, bodies to standard output, everything else to standard error.

import Console
import Coro
import Glibc

@main struct Main {
    static func main() {
        occupyStandardDescriptors()
        // A reader that goes away is an error of one write, not the death of the process (EPIPE instead of SIGPIPE).
        signal(SIGPIPE, SIG_IGN)
        // Only async-signal-safe calls in here. Nothing is buffered in this process that could be lost.
        signal(SIGINT) { _ in _exit(ExitCode.interrupted.rawValue) }
        exit(run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    /// A standard descriptor that came closed would be given to the first socket, and bodies would be written into that.
    /// Read-only, so that writing still fails.
    private static func occupyStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", O_RDONLY)
        }
    }

    private static func run(_ arguments: [String]) -> ExitCode {
        do {
            switch try CommandParser.parse(arguments) {
            case .showHelp:
                Console.print(Usage.help)
                return .ok
            case .showVersion:
                Console.print(Usage.version)
                return .ok
            case .fetch(let options):
                let loop = try EventLoop()
                return try loop.runSync { try await Fetching(options, on: loop).run() }
            }
        } catch let failure as Failure {
            Console.report(failure)
            return failure.code
        } catch {
            Console.report(Failure(.failedToStart, "\(error)"))
            return .failedToStart
        }
    }
}
