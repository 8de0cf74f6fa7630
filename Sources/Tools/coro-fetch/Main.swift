// coro-fetch: fetches URLs, all at once. Arguments in, bodies to standard output, everything else to standard error.

import Coro
import Glibc

@main struct Main {
    static func main() {
        // A reader that goes away is an error of one write, not the death of the process (EPIPE instead of SIGPIPE).
        signal(SIGPIPE, SIG_IGN)
        // Only async-signal-safe calls in here. Nothing is buffered in this process that could be lost.
        signal(SIGINT) { _ in _exit(ExitCode.interrupted.rawValue) }
        exit(run(Array(CommandLine.arguments.dropFirst())).rawValue)
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
                return try loop.runSync { await Fetching(options, on: loop).run() }
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
